-- Runs the programs for Lua and for LuaJIT: reads lines `program argument`, answers each with the result in a line.
-- Its one argument is the folder of the programs. A program may have a variant for LuaJIT, `<program>_luajit.lua`.
local folder = arg[1]
local loaded = {}

local function program(name)
  if not loaded[name] then
    local variant = folder .. "/" .. name .. "_luajit.lua"
    local file = jit and io.open(variant)
    if file then
      file:close()
    else
      variant = folder .. "/" .. name .. ".lua"
    end
    loaded[name] = dofile(variant)
  end
  return loaded[name]
end

-- LuaJIT has floats alone, so there a float without a fraction is an integer.
local function is_integer(value)
  if math.type then
    return math.type(value) == "integer"
  end
  return value == math.floor(value)
end

for line in io.lines() do
  local name, argument = line:match("^(%w+) (%d+)$")
  local value = program(name)(tonumber(argument))
  io.write(string.format(is_integer(value) and "%d\n" or "%a\n", value))
  io.flush()
end
