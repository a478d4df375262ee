-- Arithmetic in a loop: total = (total + 3 i) mod 2^24 for each i below n.
return function(n)
  local total = 0
  for i = 0, n - 1 do
    total = (total + i * 3) & 0xFFFFFF
  end
  return total
end
