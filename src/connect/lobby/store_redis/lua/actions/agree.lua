-- Accepts the chat rules: stored by moderation, not in the lobby.
--
-- args: none. Returns {'agreed'}.
function actions.agree() return { 'agreed' } end
