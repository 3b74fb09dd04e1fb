-- Sending text: the action that is asked for most, so it is a script of its own.
--
-- Then: the masking and familiarity it was prepared for with the language it seems to be in, the memory
-- it was prepared for, the memory now and its digest, how many
-- numbers were hidden, the whole text, and its pieces; without any the text is the only one.
function acts.relay()
  if not p.lang and #ARGV[12] > 2 then set(p, { lang = ARGV[12]:sub(3) }) end
  if p.st ~= 'c' then return { 'nobody', p.st == 'w' and 1 or 0 } end
  local text, pieces = ARGV[17], { unpack(ARGV, 18) }
  if #pieces == 0 then pieces = { text } end
  if call('LLEN', P .. 'in:' .. p.par) + #pieces > CAPACITY then return { 'full' } end
  local sent = tonumber(p.sn or '0') + 1
  set(p, { mem = ARGV[14] ~= '' and ARGV[14], mh = ARGV[15] ~= '' and ARGV[15],
    sn = sent <= FAMILIAR and int(sent) or nil })
  if sent == FAMILIAR and call('HGET', P .. 'p:' .. p.par, 'sn') == int(FAMILIAR) then
    for _, one in ipairs({ uid, p.par }) do call('HSET', P .. 'p:' .. one, 'tr', '1') end
  end
  count('relayed', 1)
  if ARGV[16] ~= '0' then count('masked', ARGV[16]) end
  local heard = P .. 'x:' .. p.par
  local many = call('RPUSH', heard, text)
  if many == 1 then keep(heard) end
  if many == 2 * QUOTED then call('LTRIM', heard, -QUOTED, -1) end
  local n
  for _, piece in ipairs(pieces) do
    local own = notify({ uid = p.par }, now, 'm', p.room, p.own, piece)
    n = n or own
  end
  if p.hist then
    local kept = P .. 'h:' .. p.room
    call('RPUSH', kept, pack(int(n), int(now), uid, p.own, text))
    call('LTRIM', kept, -HISTORY, -1)
    keep(kept)
  end
  return { 'sent', p.par, n, p.own, text }
end
