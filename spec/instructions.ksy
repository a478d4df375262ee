meta:
  id: instructions
  title: Packfile 1 instruction table
  license: Apache-2.0
  ks-version: "0.11"
doc: |
  One row an instruction; everything that knows instructions is generated from here. `-operands` are listed
  in the order of the assembly text and take their fields from it (spec/instructions.md); `-effect` is written
  in the closed language of spec/effects.md; `-traps` are all the traps that the instruction itself can raise, which those of
  a callee, and `host` of a host function (PF-EXE-024), are not;
  `-mnemonic` is the assembly name where it is not the id; `-terminator` marks those that execution never
  passes. The enum `operand` says what each operand is: `-field` is a register, a window (the first register of
  a run), a signed or unsigned immediate, a branch distance, or a literal word; `-bank` and `-bytes` its bank and size.
enums:
  opcode:
    0x01:
      id: unreachable
      -terminator: true
      -operands: []
      -effect: "trap(unreachable)"
      -traps: [unreachable]
      -rule: PF-EXE-101
      doc: "Traps, always."
    0x02:
      id: jmp
      -terminator: true
      -operands: [off24]
      -effect: "jump(off)"
      -traps: []
      -rule: PF-EXE-102
      doc: "Jumps."
    0x03:
      id: jmp_if
      -operands: [i_src, off16]
      -effect: "jump_if(i[a] != 0, off)"
      -traps: []
      -rule: PF-EXE-103
      doc: "Jumps if the register is not zero."
    0x04:
      id: jmp_unless
      -operands: [i_src, off16]
      -effect: "jump_if(i[a] == 0, off)"
      -traps: []
      -rule: PF-EXE-104
      doc: "Jumps if the register is zero."
    0x05:
      id: jmp_eq
      -operands: [i_src, i_src, off8]
      -effect: "jump_if(i[a] == i[b], off)"
      -traps: []
      -rule: PF-EXE-105
      doc: "Jumps if the registers are equal."
    0x06:
      id: jmp_ne
      -operands: [i_src, i_src, off8]
      -effect: "jump_if(i[a] != i[b], off)"
      -traps: []
      -rule: PF-EXE-106
      doc: "Jumps if the registers differ."
    0x07:
      id: jmp_lt_s
      -operands: [i_src, i_src, off8]
      -effect: "jump_if(i[a] < i[b], off)"
      -traps: []
      -rule: PF-EXE-107
      doc: "Jumps if the first is less, signed."
    0x08:
      id: jmp_lt_u
      -operands: [i_src, i_src, off8]
      -effect: "jump_if(u(i[a]) < u(i[b]), off)"
      -traps: []
      -rule: PF-EXE-108
      doc: "Jumps if the first is less, unsigned."
    0x09:
      id: jmp_le_s
      -operands: [i_src, i_src, off8]
      -effect: "jump_if(i[a] <= i[b], off)"
      -traps: []
      -rule: PF-EXE-109
      doc: "Jumps if the first is less or equal, signed."
    0x0a:
      id: jmp_le_u
      -operands: [i_src, i_src, off8]
      -effect: "jump_if(u(i[a]) <= u(i[b]), off)"
      -traps: []
      -rule: PF-EXE-110
      doc: "Jumps if the first is less or equal, unsigned."
    0x0b:
      id: jmp_table
      -operands: [i_src, count16]
      -effect: "skip(1 + min_u(u(i[a]), count))"
      -traps: []
      -rule: PF-EXE-111
      doc: "Goes on at one of the `count + 1` jumps that follow it; an index past the last takes the last."
    0x10:
      id: call
      -operands: [i_window, n_window, function]
      -effect: "enter(function(lit), a, b)"
      -traps: []
      -rule: PF-EXE-112
      doc: "Calls a function of this module."
    0x11:
      id: calli
      -operands: [i_window, n_window, function_slot]
      -effect: "enter(resolve(slot(lit)), a, b)"
      -traps: [unbound-import, import-mismatch]
      -rule: PF-EXE-113
      doc: "Calls through a slot."
    0x12:
      id: callr
      -operands: [i_window, n_window, i_src, signature]
      -effect: "enter(dereference(i[c], lit), a, b)"
      -traps: [null-reference, no-function, signature-mismatch]
      -rule: PF-EXE-114
      doc: "Calls the function that a reference names, if it has the stated signature."
    0x13:
      id: ret
      -terminator: true
      -operands: [i_window, n_window]
      -effect: "leave(a, b)"
      -traps: []
      -rule: PF-EXE-115
      doc: "Returns; results are copied from the registers that the windows begin with."
    0x14:
      id: lfn
      -operands: [i_dst, function]
      -effect: "i[a] = reference(function(lit))"
      -traps: []
      -rule: PF-EXE-116
      doc: "Loads a reference to a function of this module."
    0x15:
      id: ldslot
      -operands: [i_dst, slot]
      -effect: "i[a] = resolve(slot(lit))"
      -traps: [unbound-import, import-mismatch]
      -rule: PF-EXE-117
      doc: "Loads what a slot is bound to: the reference of a function or the address of data; 0 if weak and missing."
    0x16:
      id: bound
      -mnemonic: "bound?"
      -operands: [i_dst, slot]
      -effect: "i[a] = truth(is_bound(slot(lit)))"
      -traps: []
      -rule: PF-EXE-118
      doc: "Loads 1 if the slot is bound, and 0 if its export is missing or mismatched; never traps."
    0x18:
      id: i_mov
      -operands: [i_dst, i_src]
      -effect: "i[a] = i[b]"
      -traps: []
      -rule: PF-EXE-119
      doc: "Copies an integer register."
    0x19:
      id: n_mov
      -operands: [n_dst, n_src]
      -effect: "n[a] = n[b]"
      -traps: []
      -rule: PF-EXE-120
      doc: "Copies a float register, all 64 bits."
    0x1a:
      id: i_imm
      -operands: [i_dst, imm16]
      -effect: "i[a] = imm"
      -traps: []
      -rule: PF-EXE-121
      doc: "Loads a signed 16-bit immediate."
    0x1b:
      id: i_imm32
      -operands: [i_dst, imm32]
      -effect: "i[a] = lit"
      -traps: []
      -rule: PF-EXE-122
      doc: "Loads a signed 32-bit literal."
    0x1c:
      id: i_const
      -operands: [i_dst, constant]
      -effect: "i[a] = wrap(constant(lit))"
      -traps: []
      -rule: PF-EXE-123
      doc: "Loads a 64-bit constant."
    0x1d:
      id: n_const
      -operands: [n_dst, constant]
      -effect: "n[a] = from_bits(constant(lit))"
      -traps: []
      -rule: PF-EXE-124
      doc: "Loads a 64-bit constant as the bits of a float."
    0x1e:
      id: i_select
      -operands: [i_var, i_src, i_src]
      -effect: "i[a] = select(i[c] != 0, i[b], i[a])"
      -traps: []
      -rule: PF-EXE-125
      doc: "Copies the second register to the first if the third is not zero."
    0x1f:
      id: n_select
      -operands: [n_var, n_src, i_src]
      -effect: "n[a] = select(i[c] != 0, n[b], n[a])"
      -traps: []
      -rule: PF-EXE-126
      doc: "Copies the second register to the first if the third is not zero, all 64 bits."
    0x20:
      id: lrodata
      -operands: [i_dst, imm32]
      -effect: "i[a] = wrap(base(rodata) + lit)"
      -traps: []
      -rule: PF-EXE-127
      doc: "Loads an address: the start of this module's rodata segment plus the literal."
    0x21:
      id: ldata
      -operands: [i_dst, imm32]
      -effect: "i[a] = wrap(base(data) + lit)"
      -traps: []
      -rule: PF-EXE-128
      doc: "Loads an address: the start of this module's data segment plus the literal."
    0x22:
      id: lbss
      -operands: [i_dst, imm32]
      -effect: "i[a] = wrap(base(bss) + lit)"
      -traps: []
      -rule: PF-EXE-129
      doc: "Loads an address: the start of this module's bss segment plus the literal."
    0x24:
      id: mem_copy
      -operands: [i_src, i_src, i_src]
      -effect: "copy(u(i[a]), u(i[b]), u(i[c]))"
      -traps: [no-segment, read-only, out-of-bounds]
      -rule: PF-EXE-130
      doc: "Copies bytes as if through a buffer: to the first address, from the second, as many as the third says."
    0x25:
      id: mem_fill
      -operands: [i_src, i_src, i_src]
      -effect: "fill(u(i[a]), i[b] & 255, u(i[c]))"
      -traps: [no-segment, read-only, out-of-bounds]
      -rule: PF-EXE-131
      doc: "Fills bytes: at the first address, with the low byte of the second, as many as the third says."
    0x28:
      id: i_load8_s
      -operands: [i_dst, i_src, disp8]
      -effect: "i[a] = sign_extend(load(address(i[b], disp), 8), 8)"
      -traps: [no-segment, out-of-bounds]
      -rule: PF-EXE-132
      doc: "Loads 8 bits, signed."
    0x29:
      id: i_load8_u
      -operands: [i_dst, i_src, disp8]
      -effect: "i[a] = zero_extend(load(address(i[b], disp), 8), 8)"
      -traps: [no-segment, out-of-bounds]
      -rule: PF-EXE-133
      doc: "Loads 8 bits, unsigned."
    0x2a:
      id: i_load16_s
      -operands: [i_dst, i_src, disp8]
      -effect: "i[a] = sign_extend(load(address(i[b], disp * 2), 16), 16)"
      -traps: [misaligned, no-segment, out-of-bounds]
      -rule: PF-EXE-134
      doc: "Loads 16 bits, signed."
    0x2b:
      id: i_load16_u
      -operands: [i_dst, i_src, disp8]
      -effect: "i[a] = zero_extend(load(address(i[b], disp * 2), 16), 16)"
      -traps: [misaligned, no-segment, out-of-bounds]
      -rule: PF-EXE-135
      doc: "Loads 16 bits, unsigned."
    0x2c:
      id: i_load32_s
      -operands: [i_dst, i_src, disp8]
      -effect: "i[a] = sign_extend(load(address(i[b], disp * 4), 32), 32)"
      -traps: [misaligned, no-segment, out-of-bounds]
      -rule: PF-EXE-136
      doc: "Loads 32 bits, signed."
    0x2d:
      id: i_load32_u
      -operands: [i_dst, i_src, disp8]
      -effect: "i[a] = zero_extend(load(address(i[b], disp * 4), 32), 32)"
      -traps: [misaligned, no-segment, out-of-bounds]
      -rule: PF-EXE-137
      doc: "Loads 32 bits, unsigned."
    0x2e:
      id: i_load64
      -operands: [i_dst, i_src, disp8]
      -effect: "i[a] = wrap(load(address(i[b], disp * 8), 64))"
      -traps: [misaligned, no-segment, out-of-bounds]
      -rule: PF-EXE-138
      doc: "Loads 64 bits."
    0x2f:
      id: n_load32
      -operands: [n_dst, i_src, disp8]
      -effect: "n[a] = promote(load(address(i[b], disp * 4), 32))"
      -traps: [misaligned, no-segment, out-of-bounds]
      -rule: PF-EXE-139
      doc: "Loads a binary32 and converts it; every NaN becomes the canonical one."
    0x30:
      id: n_load64
      -operands: [n_dst, i_src, disp8]
      -effect: "n[a] = from_bits(load(address(i[b], disp * 8), 64))"
      -traps: [misaligned, no-segment, out-of-bounds]
      -rule: PF-EXE-140
      doc: "Loads a binary64, all 64 bits."
    0x34:
      id: i_store8
      -operands: [i_src, i_src, disp8]
      -effect: "store(address(i[b], disp), 8, u(i[a]))"
      -traps: [no-segment, read-only, out-of-bounds]
      -rule: PF-EXE-141
      doc: "Stores the low 8 bits of the first register."
    0x35:
      id: i_store16
      -operands: [i_src, i_src, disp8]
      -effect: "store(address(i[b], disp * 2), 16, u(i[a]))"
      -traps: [misaligned, no-segment, read-only, out-of-bounds]
      -rule: PF-EXE-142
      doc: "Stores the low 16 bits of the first register."
    0x36:
      id: i_store32
      -operands: [i_src, i_src, disp8]
      -effect: "store(address(i[b], disp * 4), 32, u(i[a]))"
      -traps: [misaligned, no-segment, read-only, out-of-bounds]
      -rule: PF-EXE-143
      doc: "Stores the low 32 bits of the first register."
    0x37:
      id: i_store64
      -operands: [i_src, i_src, disp8]
      -effect: "store(address(i[b], disp * 8), 64, u(i[a]))"
      -traps: [misaligned, no-segment, read-only, out-of-bounds]
      -rule: PF-EXE-144
      doc: "Stores the first register."
    0x38:
      id: n_store32
      -operands: [n_src, i_src, disp8]
      -effect: "store(address(i[b], disp * 4), 32, demote(n[a]))"
      -traps: [misaligned, no-segment, read-only, out-of-bounds]
      -rule: PF-EXE-145
      doc: "Converts to binary32, to nearest even, and stores it; every NaN becomes 0x7fc00000."
    0x39:
      id: n_store64
      -operands: [n_src, i_src, disp8]
      -effect: "store(address(i[b], disp * 8), 64, bits(n[a]))"
      -traps: [misaligned, no-segment, read-only, out-of-bounds]
      -rule: PF-EXE-146
      doc: "Stores a binary64, all 64 bits."
    0x40:
      id: i_add
      -operands: [i_dst, i_src, i_src]
      -effect: "i[a] = wrap(i[b] + i[c])"
      -traps: []
      -rule: PF-EXE-147
      doc: "Two's complement sum; overflow wraps."
    0x41:
      id: i_sub
      -operands: [i_dst, i_src, i_src]
      -effect: "i[a] = wrap(i[b] - i[c])"
      -traps: []
      -rule: PF-EXE-148
      doc: "Two's complement difference; overflow wraps."
    0x42:
      id: i_mul
      -operands: [i_dst, i_src, i_src]
      -effect: "i[a] = wrap(i[b] * i[c])"
      -traps: []
      -rule: PF-EXE-149
      doc: "Two's complement product; overflow wraps."
    0x43:
      id: i_div_s
      -operands: [i_dst, i_src, i_src]
      -effect: "trap_if(i[c] == 0, divide_by_zero); trap_if(i[b] == -(1 << 63) and i[c] == -1, integer_overflow); i[a] = quotient(i[b], i[c])"
      -traps: [divide-by-zero, integer-overflow]
      -rule: PF-EXE-150
      doc: "Signed quotient, towards zero."
    0x44:
      id: i_div_u
      -operands: [i_dst, i_src, i_src]
      -effect: "trap_if(i[c] == 0, divide_by_zero); i[a] = wrap(quotient(u(i[b]), u(i[c])))"
      -traps: [divide-by-zero]
      -rule: PF-EXE-151
      doc: "Unsigned quotient."
    0x45:
      id: i_rem_s
      -operands: [i_dst, i_src, i_src]
      -effect: "trap_if(i[c] == 0, divide_by_zero); i[a] = remainder(i[b], i[c])"
      -traps: [divide-by-zero]
      -rule: PF-EXE-152
      doc: "Signed remainder, with the sign of the dividend; of any dividend by -1 it is 0."
    0x46:
      id: i_rem_u
      -operands: [i_dst, i_src, i_src]
      -effect: "trap_if(i[c] == 0, divide_by_zero); i[a] = wrap(remainder(u(i[b]), u(i[c])))"
      -traps: [divide-by-zero]
      -rule: PF-EXE-153
      doc: "Unsigned remainder."
    0x47:
      id: i_and
      -operands: [i_dst, i_src, i_src]
      -effect: "i[a] = i[b] & i[c]"
      -traps: []
      -rule: PF-EXE-154
      doc: "Bitwise and."
    0x48:
      id: i_or
      -operands: [i_dst, i_src, i_src]
      -effect: "i[a] = i[b] | i[c]"
      -traps: []
      -rule: PF-EXE-155
      doc: "Bitwise or."
    0x49:
      id: i_xor
      -operands: [i_dst, i_src, i_src]
      -effect: "i[a] = i[b] ^ i[c]"
      -traps: []
      -rule: PF-EXE-156
      doc: "Bitwise exclusive or."
    0x4a:
      id: i_shl
      -operands: [i_dst, i_src, i_src]
      -effect: "i[a] = wrap(u(i[b]) << (i[c] & 63))"
      -traps: []
      -rule: PF-EXE-157
      doc: "Shifts left; the count is taken modulo 64."
    0x4b:
      id: i_shr_s
      -operands: [i_dst, i_src, i_src]
      -effect: "i[a] = i[b] >> (i[c] & 63)"
      -traps: []
      -rule: PF-EXE-158
      doc: "Shifts right, filling with the sign; the count is taken modulo 64."
    0x4c:
      id: i_shr_u
      -operands: [i_dst, i_src, i_src]
      -effect: "i[a] = wrap(u(i[b]) >> (i[c] & 63))"
      -traps: []
      -rule: PF-EXE-159
      doc: "Shifts right, filling with zeros; the count is taken modulo 64."
    0x4d:
      id: i_rotl
      -operands: [i_dst, i_src, i_src]
      -effect: "i[a] = wrap(u(i[b]) << (i[c] & 63) | u(i[b]) >> (64 - (i[c] & 63)))"
      -traps: []
      -rule: PF-EXE-160
      doc: "Rotates left; the count is taken modulo 64."
    0x4e:
      id: i_rotr
      -operands: [i_dst, i_src, i_src]
      -effect: "i[a] = wrap(u(i[b]) >> (i[c] & 63) | u(i[b]) << (64 - (i[c] & 63)))"
      -traps: []
      -rule: PF-EXE-161
      doc: "Rotates right; the count is taken modulo 64."
    0x4f:
      id: i_clz
      -operands: [i_dst, i_src]
      -effect: "i[a] = clz(u(i[b]))"
      -traps: []
      -rule: PF-EXE-162
      doc: "Counts leading zero bits; 64 for zero."
    0x50:
      id: i_ctz
      -operands: [i_dst, i_src]
      -effect: "i[a] = ctz(u(i[b]))"
      -traps: []
      -rule: PF-EXE-163
      doc: "Counts trailing zero bits; 64 for zero."
    0x51:
      id: i_popcnt
      -operands: [i_dst, i_src]
      -effect: "i[a] = popcnt(u(i[b]))"
      -traps: []
      -rule: PF-EXE-164
      doc: "Counts one bits."
    0x52:
      id: i_extend8_s
      -operands: [i_dst, i_src]
      -effect: "i[a] = sign_extend(u(i[b]) & 255, 8)"
      -traps: []
      -rule: PF-EXE-165
      doc: "Sign-extends the low 8 bits."
    0x53:
      id: i_extend16_s
      -operands: [i_dst, i_src]
      -effect: "i[a] = sign_extend(u(i[b]) & 65535, 16)"
      -traps: []
      -rule: PF-EXE-166
      doc: "Sign-extends the low 16 bits."
    0x54:
      id: i_extend32_s
      -operands: [i_dst, i_src]
      -effect: "i[a] = sign_extend(u(i[b]) & 4294967295, 32)"
      -traps: []
      -rule: PF-EXE-167
      doc: "Sign-extends the low 32 bits."
    0x55:
      id: i_extend32_u
      -operands: [i_dst, i_src]
      -effect: "i[a] = u(i[b]) & 4294967295"
      -traps: []
      -rule: PF-EXE-168
      doc: "Zero-extends the low 32 bits."
    0x56:
      id: i_add_imm
      -operands: [i_dst, i_src, imm8]
      -effect: "i[a] = wrap(i[b] + imm)"
      -traps: []
      -rule: PF-EXE-169
      doc: "Adds a signed 8-bit immediate; overflow wraps."
    0x58:
      id: i_eqz
      -operands: [i_dst, i_src]
      -effect: "i[a] = truth(i[b] == 0)"
      -traps: []
      -rule: PF-EXE-170
      doc: "1 if the register is zero, else 0."
    0x59:
      id: i_eq
      -operands: [i_dst, i_src, i_src]
      -effect: "i[a] = truth(i[b] == i[c])"
      -traps: []
      -rule: PF-EXE-171
      doc: "1 if equal, else 0."
    0x5a:
      id: i_ne
      -operands: [i_dst, i_src, i_src]
      -effect: "i[a] = truth(i[b] != i[c])"
      -traps: []
      -rule: PF-EXE-172
      doc: "1 if different, else 0."
    0x5b:
      id: i_lt_s
      -operands: [i_dst, i_src, i_src]
      -effect: "i[a] = truth(i[b] < i[c])"
      -traps: []
      -rule: PF-EXE-173
      doc: "1 if less, signed, else 0."
    0x5c:
      id: i_lt_u
      -operands: [i_dst, i_src, i_src]
      -effect: "i[a] = truth(u(i[b]) < u(i[c]))"
      -traps: []
      -rule: PF-EXE-174
      doc: "1 if less, unsigned, else 0."
    0x5d:
      id: i_gt_s
      -operands: [i_dst, i_src, i_src]
      -effect: "i[a] = truth(i[b] > i[c])"
      -traps: []
      -rule: PF-EXE-175
      doc: "1 if greater, signed, else 0."
    0x5e:
      id: i_gt_u
      -operands: [i_dst, i_src, i_src]
      -effect: "i[a] = truth(u(i[b]) > u(i[c]))"
      -traps: []
      -rule: PF-EXE-176
      doc: "1 if greater, unsigned, else 0."
    0x5f:
      id: i_le_s
      -operands: [i_dst, i_src, i_src]
      -effect: "i[a] = truth(i[b] <= i[c])"
      -traps: []
      -rule: PF-EXE-177
      doc: "1 if less or equal, signed, else 0."
    0x60:
      id: i_le_u
      -operands: [i_dst, i_src, i_src]
      -effect: "i[a] = truth(u(i[b]) <= u(i[c]))"
      -traps: []
      -rule: PF-EXE-178
      doc: "1 if less or equal, unsigned, else 0."
    0x61:
      id: i_ge_s
      -operands: [i_dst, i_src, i_src]
      -effect: "i[a] = truth(i[b] >= i[c])"
      -traps: []
      -rule: PF-EXE-179
      doc: "1 if greater or equal, signed, else 0."
    0x62:
      id: i_ge_u
      -operands: [i_dst, i_src, i_src]
      -effect: "i[a] = truth(u(i[b]) >= u(i[c]))"
      -traps: []
      -rule: PF-EXE-180
      doc: "1 if greater or equal, unsigned, else 0."
    0x70:
      id: n_add
      -operands: [n_dst, n_src, n_src]
      -effect: "n[a] = f_add(n[b], n[c])"
      -traps: []
      -rule: PF-EXE-181
      doc: "Sum."
    0x71:
      id: n_sub
      -operands: [n_dst, n_src, n_src]
      -effect: "n[a] = f_sub(n[b], n[c])"
      -traps: []
      -rule: PF-EXE-182
      doc: "Difference."
    0x72:
      id: n_mul
      -operands: [n_dst, n_src, n_src]
      -effect: "n[a] = f_mul(n[b], n[c])"
      -traps: []
      -rule: PF-EXE-183
      doc: "Product."
    0x73:
      id: n_div
      -operands: [n_dst, n_src, n_src]
      -effect: "n[a] = f_div(n[b], n[c])"
      -traps: []
      -rule: PF-EXE-184
      doc: "Quotient; division by zero gives an infinity or NaN, never a trap."
    0x74:
      id: n_min
      -operands: [n_dst, n_src, n_src]
      -effect: "n[a] = f_min(n[b], n[c])"
      -traps: []
      -rule: PF-EXE-185
      doc: "The lesser; -0 is less than +0, and a NaN gives the canonical NaN."
    0x75:
      id: n_max
      -operands: [n_dst, n_src, n_src]
      -effect: "n[a] = f_max(n[b], n[c])"
      -traps: []
      -rule: PF-EXE-186
      doc: "The greater; +0 is greater than -0, and a NaN gives the canonical NaN."
    0x76:
      id: n_copysign
      -operands: [n_dst, n_src, n_src]
      -effect: "n[a] = from_bits(bits(n[b]) & ((1 << 63) - 1) | bits(n[c]) & (1 << 63))"
      -traps: []
      -rule: PF-EXE-187
      doc: "The first with the sign bit of the second; all other bits kept."
    0x77:
      id: n_abs
      -operands: [n_dst, n_src]
      -effect: "n[a] = from_bits(bits(n[b]) & ((1 << 63) - 1))"
      -traps: []
      -rule: PF-EXE-188
      doc: "Clears the sign bit; all other bits kept."
    0x78:
      id: n_neg
      -operands: [n_dst, n_src]
      -effect: "n[a] = from_bits(bits(n[b]) ^ (1 << 63))"
      -traps: []
      -rule: PF-EXE-189
      doc: "Inverts the sign bit; all other bits kept."
    0x79:
      id: n_ceil
      -operands: [n_dst, n_src]
      -effect: "n[a] = f_ceil(n[b])"
      -traps: []
      -rule: PF-EXE-190
      doc: "Rounds up to an integer."
    0x7a:
      id: n_floor
      -operands: [n_dst, n_src]
      -effect: "n[a] = f_floor(n[b])"
      -traps: []
      -rule: PF-EXE-191
      doc: "Rounds down to an integer."
    0x7b:
      id: n_trunc
      -operands: [n_dst, n_src]
      -effect: "n[a] = f_trunc(n[b])"
      -traps: []
      -rule: PF-EXE-192
      doc: "Rounds towards zero to an integer."
    0x7c:
      id: n_nearest
      -operands: [n_dst, n_src]
      -effect: "n[a] = f_nearest(n[b])"
      -traps: []
      -rule: PF-EXE-193
      doc: "Rounds to the nearest integer, ties to even."
    0x7d:
      id: n_sqrt
      -operands: [n_dst, n_src]
      -effect: "n[a] = f_sqrt(n[b])"
      -traps: []
      -rule: PF-EXE-194
      doc: "Square root; of a negative number other than -0 it is NaN."
    0x80:
      id: n_eq
      -operands: [i_dst, n_src, n_src]
      -effect: "i[a] = truth(f_eq(n[b], n[c]))"
      -traps: []
      -rule: PF-EXE-195
      doc: "1 if equal, else 0; -0 equals +0, and a NaN equals nothing."
    0x81:
      id: n_ne
      -operands: [i_dst, n_src, n_src]
      -effect: "i[a] = truth(not f_eq(n[b], n[c]))"
      -traps: []
      -rule: PF-EXE-196
      doc: "1 if not equal, else 0; 1 if either is NaN."
    0x82:
      id: n_lt
      -operands: [i_dst, n_src, n_src]
      -effect: "i[a] = truth(f_lt(n[b], n[c]))"
      -traps: []
      -rule: PF-EXE-197
      doc: "1 if less, else 0; 0 if either is NaN."
    0x83:
      id: n_gt
      -operands: [i_dst, n_src, n_src]
      -effect: "i[a] = truth(f_lt(n[c], n[b]))"
      -traps: []
      -rule: PF-EXE-198
      doc: "1 if greater, else 0; 0 if either is NaN."
    0x84:
      id: n_le
      -operands: [i_dst, n_src, n_src]
      -effect: "i[a] = truth(f_le(n[b], n[c]))"
      -traps: []
      -rule: PF-EXE-199
      doc: "1 if less or equal, else 0; 0 if either is NaN."
    0x85:
      id: n_ge
      -operands: [i_dst, n_src, n_src]
      -effect: "i[a] = truth(f_le(n[c], n[b]))"
      -traps: []
      -rule: PF-EXE-200
      doc: "1 if greater or equal, else 0; 0 if either is NaN."
    0x90:
      id: i_trunc_n_s
      -operands: [i_dst, n_src]
      -effect: "trap_if(is_nan(n[b]), invalid_conversion); trap_if(not fits_s(n[b]), integer_overflow); i[a] = wrap(truncate(n[b]))"
      -traps: [invalid-conversion, integer-overflow]
      -rule: PF-EXE-201
      doc: "Converts to a signed integer, towards zero; traps if the integer does not fit."
    0x91:
      id: i_trunc_n_u
      -operands: [i_dst, n_src]
      -effect: "trap_if(is_nan(n[b]), invalid_conversion); trap_if(not fits_u(n[b]), integer_overflow); i[a] = wrap(truncate(n[b]))"
      -traps: [invalid-conversion, integer-overflow]
      -rule: PF-EXE-202
      doc: "Converts to an unsigned integer, towards zero; traps if the integer does not fit."
    0x92:
      id: i_trunc_sat_n_s
      -operands: [i_dst, n_src]
      -effect: "i[a] = wrap(saturate_s(n[b]))"
      -traps: []
      -rule: PF-EXE-203
      doc: "Converts to a signed integer, towards zero; clamps to the range, and NaN gives 0."
    0x93:
      id: i_trunc_sat_n_u
      -operands: [i_dst, n_src]
      -effect: "i[a] = wrap(saturate_u(n[b]))"
      -traps: []
      -rule: PF-EXE-204
      doc: "Converts to an unsigned integer, towards zero; clamps to the range, and NaN gives 0."
    0x94:
      id: n_convert_i_s
      -operands: [n_dst, i_src]
      -effect: "n[a] = nearest_float(i[b])"
      -traps: []
      -rule: PF-EXE-205
      doc: "Converts a signed integer, to nearest even."
    0x95:
      id: n_convert_i_u
      -operands: [n_dst, i_src]
      -effect: "n[a] = nearest_float(u(i[b]))"
      -traps: []
      -rule: PF-EXE-206
      doc: "Converts an unsigned integer, to nearest even."
    0x96:
      id: i_reinterpret_n
      -operands: [i_dst, n_src]
      -effect: "i[a] = wrap(bits(n[b]))"
      -traps: []
      -rule: PF-EXE-207
      doc: "Copies the 64 bits of a float to an integer register."
    0x97:
      id: n_reinterpret_i
      -operands: [n_dst, i_src]
      -effect: "n[a] = from_bits(u(i[b]))"
      -traps: []
      -rule: PF-EXE-208
      doc: "Copies an integer register to a float register, all 64 bits."
    0x98:
      id: n_promote_i
      -operands: [n_dst, i_src]
      -effect: "n[a] = promote(u(i[b]) & 4294967295)"
      -traps: []
      -rule: PF-EXE-209
      doc: "Converts the binary32 in the low 32 bits; every NaN becomes the canonical one."
    0x99:
      id: i_demote_n
      -operands: [i_dst, n_src]
      -effect: "i[a] = demote(n[b])"
      -traps: []
      -rule: PF-EXE-210
      doc: "Converts to binary32, to nearest even, and gives its 32 bits, zero-extended; every NaN becomes 0x7fc00000."
  operand:
    1:
      id: i_dst
      -field: register
      -bank: i
      doc: "Integer register that is written."
    2:
      id: i_src
      -field: register
      -bank: i
      doc: "Integer register that is read."
    3:
      id: i_var
      -field: register
      -bank: i
      doc: "Integer register that is read and written."
    4:
      id: n_dst
      -field: register
      -bank: n
      doc: "Float register that is written."
    5:
      id: n_src
      -field: register
      -bank: n
      doc: "Float register that is read."
    6:
      id: n_var
      -field: register
      -bank: n
      doc: "Float register that is read and written."
    7:
      id: i_window
      -field: window
      -bank: i
      doc: "First integer register of arguments and results."
    8:
      id: n_window
      -field: window
      -bank: n
      doc: "First float register of arguments and results."
    9:
      id: imm8
      -field: signed
      -bytes: 1
      doc: "Signed immediate."
    10:
      id: imm16
      -field: signed
      -bytes: 2
      doc: "Signed immediate."
    11:
      id: disp8
      -field: unsigned
      -bytes: 1
      doc: "Displacement, counted in units of the size of the access."
    12:
      id: count16
      -field: unsigned
      -bytes: 2
      doc: "Count."
    13:
      id: off8
      -field: branch
      -bytes: 1
      doc: "Signed distance in words from the word of the branch to its target."
    14:
      id: off16
      -field: branch
      -bytes: 2
      doc: "Signed distance in words from the word of the branch to its target."
    15:
      id: off24
      -field: branch
      -bytes: 3
      doc: "Signed distance in words from the word of the branch to its target."
    16:
      id: imm32
      -field: literal
      -bytes: 4
      doc: "Signed 32-bit literal."
    17:
      id: function
      -field: literal
      -bytes: 4
      doc: "Index of a function row."
    18:
      id: slot
      -field: literal
      -bytes: 4
      doc: "Index of an import row."
    19:
      id: function_slot
      -field: literal
      -bytes: 4
      doc: "Index of an import row of kind function."
    20:
      id: constant
      -field: literal
      -bytes: 4
      doc: "Index of a constant."
    21:
      id: signature
      -field: literal
      -bytes: 4
      doc: "Signature word, taken as unsigned."
  trap_code:
    1:
      id: unreachable
      -name: unreachable
      doc: "The program executed `unreachable`."
    2:
      id: divide_by_zero
      -name: divide-by-zero
      doc: "An integer was divided by zero."
    3:
      id: integer_overflow
      -name: integer-overflow
      doc: "The quotient or the converted number does not fit its register."
    4:
      id: invalid_conversion
      -name: invalid-conversion
      doc: "A NaN was converted to an integer."
    5:
      id: misaligned
      -name: misaligned
      doc: "An address is not a multiple of the size of the access."
    6:
      id: no_segment
      -name: no-segment
      doc: "An address lies in a segment that does not exist."
    7:
      id: read_only
      -name: read-only
      doc: "A store would change rodata."
    8:
      id: out_of_bounds
      -name: out-of-bounds
      doc: "An access ends past the end of its segment."
    9:
      id: unbound_import
      -name: unbound-import
      doc: "A slot was used whose export is missing."
    10:
      id: import_mismatch
      -name: import-mismatch
      doc: "A lazy slot was used whose export has another kind, signature or a lesser size."
    11:
      id: null_reference
      -name: null-reference
      doc: "Reference 0 was called."
    12:
      id: no_function
      -name: no-function
      doc: "A reference names no function of the linked set."
    13:
      id: signature_mismatch
      -name: signature-mismatch
      doc: "The called function has another signature than the call states."
    14:
      id: host
      -name: host
      doc: "A host function reported a failure."
