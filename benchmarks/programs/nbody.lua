-- The Sun and four planets: the energy after n steps of 0.01 years, for n of 1 or more.
local sqrt = math.sqrt

-- x, y, z, vx, vy, vz and mass of each body.
local INITIAL = {
  { 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 39.47841760435743 },
  {
    4.841431442464721,
    -1.1603200440274284,
    -0.10362204447112311,
    0.606326392995832,
    2.81198684491626,
    -0.02521836165988763,
    0.03769367487038949,
  },
  {
    8.34336671824458,
    4.124798564124305,
    -0.4035234171143214,
    -1.0107743461771468,
    1.8256623712304119,
    0.008415761376584154,
    0.011286326131968767,
  },
  {
    12.894369562139131,
    -15.111151401698631,
    -0.22330757889265573,
    1.0827910064415354,
    0.8687130181696082,
    -0.010832637401363636,
    0.0017237240570597112,
  },
  {
    15.379697114850917,
    -25.919314609987964,
    0.17925877295037118,
    0.979090732243898,
    0.5946989986476762,
    -0.034755955504078104,
    0.0020336868699246304,
  },
}

local function advance(bodies, dt)
  for position = 1, #bodies do
    local one = bodies[position]
    local x, y, z, mass = one[1], one[2], one[3], one[7]
    local vx, vy, vz = one[4], one[5], one[6]
    for after = position + 1, #bodies do
      local other = bodies[after]
      local dx = x - other[1]
      local dy = y - other[2]
      local dz = z - other[3]
      local square = dx * dx + dy * dy + dz * dz
      local mag = dt / (square * sqrt(square))
      local pull = other[7] * mag
      vx = vx - dx * pull
      vy = vy - dy * pull
      vz = vz - dz * pull
      pull = mass * mag
      other[4] = other[4] + dx * pull
      other[5] = other[5] + dy * pull
      other[6] = other[6] + dz * pull
    end
    one[4] = vx
    one[5] = vy
    one[6] = vz
  end
  for position = 1, #bodies do
    local body = bodies[position]
    body[1] = body[1] + body[4] * dt
    body[2] = body[2] + body[5] * dt
    body[3] = body[3] + body[6] * dt
  end
end

local function energy(bodies)
  local total = 0.0
  for position = 1, #bodies do
    local one = bodies[position]
    total = total + 0.5 * one[7] * (one[4] * one[4] + one[5] * one[5] + one[6] * one[6])
    for after = position + 1, #bodies do
      local other = bodies[after]
      local dx = one[1] - other[1]
      local dy = one[2] - other[2]
      local dz = one[3] - other[3]
      total = total - one[7] * other[7] / sqrt(dx * dx + dy * dy + dz * dz)
    end
  end
  return total
end

return function(n)
  local bodies = {}
  for position, body in ipairs(INITIAL) do
    local copy = {}
    for field, value in ipairs(body) do
      copy[field] = value
    end
    bodies[position] = copy
  end
  for _ = 1, n do
    advance(bodies, 0.01)
  end
  return energy(bodies)
end
