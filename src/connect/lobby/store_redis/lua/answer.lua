-- Carries out the action, if the person is in the room they meant, and remembers the call.

local outcome
if room ~= '' and (p.st ~= 'c' or p.room ~= room) then
  local ended = 0
  for _, last in ipairs(recents(p)) do
    if last[2] == room then ended = 1 end
  end
  outcome = { 'elsewhere', ended }
else
  outcome = acts[action]()
end
if key ~= '' then
  call('SET', P .. 'r:' .. key, cmsgpack.pack({ now, outcome, items }), 'PX', REMEMBERED_FOR)
end
return { outcome, id, items, lang }
