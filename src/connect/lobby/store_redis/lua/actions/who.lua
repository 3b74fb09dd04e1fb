-- Reports the nickname of the partner.
--
-- args: none. Returns {'partner_name', sealed nickname or '' without a chat}.
function actions.who() return { 'partner_name', user.partner_name or '' } end
