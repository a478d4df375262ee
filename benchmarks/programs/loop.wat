(module
  (func (export "run") (param $n i64) (result i64)
    (local $i i64)
    (local $total i64)
    (loop $next
      (local.set $total
        (i64.and
          (i64.add (local.get $total) (i64.mul (local.get $i) (i64.const 3)))
          (i64.const 0xffffff)))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br_if $next (i64.lt_s (local.get $i) (local.get $n))))
    (local.get $total)))
