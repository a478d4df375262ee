(module
  (memory 1)
  (func (export "run") (param $n i32) (result i32)
    (local $number i32)
    (local $multiple i32)
    (local $primes i32)
    (memory.fill (i32.const 0) (i32.const 0) (local.get $n))
    (local.set $number (i32.const 2))
    (block $done
      (loop $next_number
        (br_if $done (i32.le_s (local.get $n) (local.get $number)))
        (block $not_prime
          (br_if $not_prime (i32.load8_u (local.get $number)))
          (local.set $primes (i32.add (local.get $primes) (i32.const 1)))
          (local.set $multiple (i32.mul (local.get $number) (local.get $number)))
          (loop $mark
            ;; unsigned: the square of a number below 65,536 is below 2^32, but not always below 2^31
            (br_if $not_prime (i32.le_u (local.get $n) (local.get $multiple)))
            (i32.store8 (local.get $multiple) (i32.const 1))
            (local.set $multiple (i32.add (local.get $multiple) (local.get $number)))
            (br $mark)))
        (local.set $number (i32.add (local.get $number) (i32.const 1)))
        (br $next_number)))
    (local.get $primes)))
