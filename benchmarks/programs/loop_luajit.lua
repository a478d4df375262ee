-- The same for LuaJIT, whose language has no operator for bits but a built-in function.
local band = bit.band

return function(n)
  local total = 0
  for i = 0, n - 1 do
    total = band(total + i * 3, 0xFFFFFF)
  end
  return total
end
