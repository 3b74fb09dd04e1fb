-- Does nothing more than every call does, which is to lease the inbox.
--
-- args: none. Returns {'inbox_read'}.
function actions.read_inbox() return { 'inbox_read' } end
