(module
  (memory 1)
  ;; x, y, z, vx, vy, vz, mass: 56 bytes a body; worked on at 0, kept at 512
  (data (i32.const 512)
    (f64 0.0 0.0 0.0 0.0 0.0 0.0 39.47841760435743)
    (f64 4.841431442464721 -1.1603200440274284 -0.10362204447112311 0.606326392995832 2.81198684491626 -0.02521836165988763 0.03769367487038949)
    (f64 8.34336671824458 4.124798564124305 -0.4035234171143214 -1.0107743461771468 1.8256623712304119 0.008415761376584154 0.011286326131968767)
    (f64 12.894369562139131 -15.111151401698631 -0.22330757889265573 1.0827910064415354 0.8687130181696082 -0.010832637401363636 0.0017237240570597112)
    (f64 15.379697114850917 -25.919314609987964 0.17925877295037118 0.979090732243898 0.5946989986476762 -0.034755955504078104 0.0020336868699246304))

  (func (export "run") (param $n i32) (result f64)
    (memory.copy (i32.const 0) (i32.const 512) (i32.const 280))
    (loop $next_step
      (call $advance (f64.const 0.01))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $next_step (local.get $n)))
    (call $energy))

  (func $advance (param $dt f64)
    (local $one i32) (local $other i32)
    (local $x f64) (local $y f64) (local $z f64) (local $vx f64) (local $vy f64) (local $vz f64) (local $mass f64)
    (local $dx f64) (local $dy f64) (local $dz f64) (local $square f64) (local $mag f64) (local $pull f64)
    (block $done
      (loop $next_body
        (local.set $other (i32.add (local.get $one) (i32.const 56)))
        (br_if $done (i32.le_s (i32.const 280) (local.get $other)))
        (local.set $x (f64.load offset=0 (local.get $one)))
        (local.set $y (f64.load offset=8 (local.get $one)))
        (local.set $z (f64.load offset=16 (local.get $one)))
        (local.set $vx (f64.load offset=24 (local.get $one)))
        (local.set $vy (f64.load offset=32 (local.get $one)))
        (local.set $vz (f64.load offset=40 (local.get $one)))
        (local.set $mass (f64.load offset=48 (local.get $one)))
        (loop $next_pair
          (local.set $dx (f64.sub (local.get $x) (f64.load offset=0 (local.get $other))))
          (local.set $dy (f64.sub (local.get $y) (f64.load offset=8 (local.get $other))))
          (local.set $dz (f64.sub (local.get $z) (f64.load offset=16 (local.get $other))))
          (local.set $square
            (f64.add
              (f64.add
                (f64.mul (local.get $dx) (local.get $dx))
                (f64.mul (local.get $dy) (local.get $dy)))
              (f64.mul (local.get $dz) (local.get $dz))))
          (local.set $mag
            (f64.div (local.get $dt) (f64.mul (local.get $square) (f64.sqrt (local.get $square)))))
          (local.set $pull (f64.mul (f64.load offset=48 (local.get $other)) (local.get $mag)))
          (local.set $vx (f64.sub (local.get $vx) (f64.mul (local.get $dx) (local.get $pull))))
          (local.set $vy (f64.sub (local.get $vy) (f64.mul (local.get $dy) (local.get $pull))))
          (local.set $vz (f64.sub (local.get $vz) (f64.mul (local.get $dz) (local.get $pull))))
          (local.set $pull (f64.mul (local.get $mass) (local.get $mag)))
          (f64.store offset=24 (local.get $other)
            (f64.add (f64.load offset=24 (local.get $other)) (f64.mul (local.get $dx) (local.get $pull))))
          (f64.store offset=32 (local.get $other)
            (f64.add (f64.load offset=32 (local.get $other)) (f64.mul (local.get $dy) (local.get $pull))))
          (f64.store offset=40 (local.get $other)
            (f64.add (f64.load offset=40 (local.get $other)) (f64.mul (local.get $dz) (local.get $pull))))
          (local.set $other (i32.add (local.get $other) (i32.const 56)))
          (br_if $next_pair (i32.lt_s (local.get $other) (i32.const 280))))
        (f64.store offset=24 (local.get $one) (local.get $vx))
        (f64.store offset=32 (local.get $one) (local.get $vy))
        (f64.store offset=40 (local.get $one) (local.get $vz))
        (local.set $one (i32.add (local.get $one) (i32.const 56)))
        (br $next_body)))
    (local.set $one (i32.const 0))
    (loop $move
      (f64.store offset=0 (local.get $one)
        (f64.add
          (f64.load offset=0 (local.get $one))
          (f64.mul (f64.load offset=24 (local.get $one)) (local.get $dt))))
      (f64.store offset=8 (local.get $one)
        (f64.add
          (f64.load offset=8 (local.get $one))
          (f64.mul (f64.load offset=32 (local.get $one)) (local.get $dt))))
      (f64.store offset=16 (local.get $one)
        (f64.add
          (f64.load offset=16 (local.get $one))
          (f64.mul (f64.load offset=40 (local.get $one)) (local.get $dt))))
      (local.set $one (i32.add (local.get $one) (i32.const 56)))
      (br_if $move (i32.lt_s (local.get $one) (i32.const 280)))))

  (func $energy (result f64)
    (local $one i32) (local $other i32) (local $energy f64) (local $square f64) (local $d f64) (local $mass f64)
    (loop $next_body
      (local.set $d (f64.load offset=24 (local.get $one)))
      (local.set $square (f64.mul (local.get $d) (local.get $d)))
      (local.set $d (f64.load offset=32 (local.get $one)))
      (local.set $square (f64.add (local.get $square) (f64.mul (local.get $d) (local.get $d))))
      (local.set $d (f64.load offset=40 (local.get $one)))
      (local.set $square (f64.add (local.get $square) (f64.mul (local.get $d) (local.get $d))))
      (local.set $mass (f64.load offset=48 (local.get $one)))
      (local.set $energy
        (f64.add (local.get $energy)
          (f64.mul (f64.mul (f64.const 0.5) (local.get $mass)) (local.get $square))))
      (local.set $other (i32.add (local.get $one) (i32.const 56)))
      (block $pairs_done
        (loop $next_pair
          (br_if $pairs_done (i32.le_s (i32.const 280) (local.get $other)))
          (local.set $d (f64.sub (f64.load offset=0 (local.get $one)) (f64.load offset=0 (local.get $other))))
          (local.set $square (f64.mul (local.get $d) (local.get $d)))
          (local.set $d (f64.sub (f64.load offset=8 (local.get $one)) (f64.load offset=8 (local.get $other))))
          (local.set $square (f64.add (local.get $square) (f64.mul (local.get $d) (local.get $d))))
          (local.set $d (f64.sub (f64.load offset=16 (local.get $one)) (f64.load offset=16 (local.get $other))))
          (local.set $square (f64.add (local.get $square) (f64.mul (local.get $d) (local.get $d))))
          (local.set $energy
            (f64.sub (local.get $energy)
              (f64.div
                (f64.mul (local.get $mass) (f64.load offset=48 (local.get $other)))
                (f64.sqrt (local.get $square)))))
          (local.set $other (i32.add (local.get $other) (i32.const 56)))
          (br $next_pair)))
      (local.set $one (i32.add (local.get $one) (i32.const 56)))
      (br_if $next_body (i32.lt_s (local.get $one) (i32.const 280))))
    (local.get $energy)))
