-- The sieve of Eratosthenes: how many primes are below n.

-- Kept from run to run, as the bytes of the other versions are; a new table would have to grow in each run.
local kept = {}

return function(n)
  local composite = kept
  for number = 0, n - 1 do
    composite[number] = false
  end
  local primes = 0
  for number = 2, n - 1 do
    if not composite[number] then
      primes = primes + 1
      for multiple = number * number, n - 1, number do
        composite[multiple] = true
      end
    end
  end
  return primes
end
