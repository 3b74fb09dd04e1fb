-- Rates nothing: ratings are stored by moderation, not in the lobby.
--
-- args: none. Returns {'no_rate_target'}.
function actions.rate() return { 'no_rate_target' } end
