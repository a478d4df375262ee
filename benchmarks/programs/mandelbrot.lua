-- The steps that all points of a grid of n by n take, 50 at most each.
return function(n)
  local width = 3.0 / n
  local total = 0
  for row = 0, n - 1 do
    local y = row * width - 1.5
    for column = 0, n - 1 do
      local x = column * width - 2.0
      local re, im = 0.0, 0.0
      local steps = 0
      while steps < 50 do
        local re2 = re * re
        local im2 = im * im
        if re2 + im2 > 4.0 then
          break
        end
        im = re * im
        im = im + im + y
        re = re2 - im2 + x
        steps = steps + 1
      end
      total = total + steps
    end
  end
  return total
end
