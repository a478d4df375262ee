meta:
  id: packfile
  title: Packfile 1
  file-extension: pkf
  license: Apache-2.0
  ks-version: "0.11"
  bit-endian: le
  imports:
    - instructions
-too-short: PF-HDR-001
doc: |
  A packfile is a bytecode module that a loader maps read-only and executes in place.
  This description is the normative layout, in both byte orders. Keys that begin with a dash are
  Packfile's own: `-rule` is the id of the rule that an attribute's `valid` states, and the attribute's
  `doc` is that rule's text; `-time` and `-outcome` say when a loader reports it and as what.
seq:
  - id: magic
    contents: [0x89, 0x50, 0x4b, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
    -rule: PF-HDR-002
    -time: open
    -outcome: malformed
    doc: |
      The first eight bytes are `89 50 4B 46 0D 0A 1A 0A`. The high bit, CR LF, ^Z and LF show damage by
      7-bit channels, by newline conversion, and by tools that stop at an end-of-file character.
  - id: byte_order
    type: u1
    enum: byte_order
    valid:
      in-enum: true
    -rule: PF-HDR-003
    -time: open
    -outcome: malformed
    doc: The byte order of every integer in the file is 1 (little) or 2 (big).
  - id: body
    type: body
    doc: Everything whose reading depends on the byte order.
types:
  body:
    meta:
      endian:
        switch-on: _root.byte_order
        cases:
          'byte_order::little': le
          'byte_order::big': be
    -too-short: PF-HDR-001
    doc: The rest of the header, and the directory.
    seq:
      - id: version
        type: u1
        valid: 1
        -rule: PF-HDR-004
        -time: open
        -outcome: unsupported
        doc: The version is exactly 1; a loader reports any other as unsupported, whatever follows it.
      - id: unit_log2
        type: u1
        doc: Base-2 logarithm of the alignment unit.
      - id: reserved
        type: u1
        doc: Zero.
      - id: required
        type: u4
        valid: 0
        -rule: PF-HDR-007
        -time: open
        -outcome: unsupported
        doc: |
          Every bit set in `required` names a feature that this version defines. Version 1 defines none, so
          any bit set is unsupported.
      - id: check_unit_log2
        size: 0
        valid:
          expr: unit_log2 == 12 or unit_log2 == 16
        -rule: PF-HDR-005
        -time: open
        -outcome: malformed
        doc: The base-2 logarithm of the alignment unit is 12 (4 KiB) or 16 (64 KiB).
      - id: check_reserved
        size: 0
        valid:
          expr: reserved == 0
        -rule: PF-HDR-006
        -time: open
        -outcome: malformed
        doc: The reserved byte is zero.
      - id: file_length
        type: u4
        valid:
          expr: _ == _io.size
        -rule: PF-HDR-008
        -time: open
        -outcome: malformed
        doc: |
          `file_length` is the exact length of the file in bytes: a truncated file and one with trailing
          bytes are both malformed.
      - id: check_file_length
        size: 0
        valid:
          expr: file_length <= max_file_length
        -rule: PF-LIM-001
        -time: open
        -outcome: malformed
        doc: A file is at most 1,073,741,824 bytes (2^30) long.
      - id: section_count
        type: u4
        valid:
          max: max_sections
        -rule: PF-LIM-002
        -time: open
        -outcome: malformed
        doc: A directory has at most 64 entries.
      - id: entry
        type: u4
        doc: Index of the function that `run` calls, or 0xffffffff for none. It is never called in order to load.
      - id: bss_size
        type: u4
        valid:
          max: max_bss_size
        -rule: PF-LIM-003
        -time: open
        -outcome: malformed
        doc: The zero-filled segment is at most 1,073,741,824 bytes (2^30) long.
      - id: digest_root
        size: 32
        doc: SHA-256 root of the digest tree, or zeros when there is no `digests` section.
      - id: sections
        type: section(_index)
        repeat: expr
        repeat-expr: section_count
        doc: The directory, in file order.
      - id: check_end
        size: 0
        valid:
          expr: 'file_length == (section_count == 0 ? header_size : sections[section_count - 1].end)'
        -rule: PF-DIR-008
        -time: open
        -outcome: malformed
        doc: The file ends where its last section ends, or after the header when it has no section.
    instances:
      header_size:
        value: 64
        doc: Bytes of the header; the directory follows it.
      no_entry:
        value: 0xffffffff
        doc: Value of `entry` when the module has no entry function.
      first_skippable_kind:
        value: 0x80000000
        doc: Kinds from here on may be skipped by a loader that does not know them.
      digest_block_length:
        value: 4096
        doc: Bytes of a block, which one digest covers; a shorter one is hashed with zeros added up to this length.
      digest_length:
        value: 32
        doc: Bytes of one SHA-256 digest.
      digest_node_count:
        value: 128
        doc: Digests of a node, which one digest of the next level covers.
      max_file_length:
        value: 1073741824
        -unit: bytes
        -rule: PF-LIM-001
        doc: Length of a file.
      max_sections:
        value: 64
        -unit: entries
        -rule: PF-LIM-002
        doc: Entries of a directory.
      max_bss_size:
        value: 1073741824
        -unit: bytes
        -rule: PF-LIM-003
        doc: Zero-filled segment of a module.
      max_functions:
        value: 1048576
        -unit: rows
        -rule: PF-LIM-004
        doc: Functions of a module.
      max_imports:
        value: 262144
        -unit: rows
        -rule: PF-LIM-004
        doc: Imports of a module.
      max_exports:
        value: 262144
        -unit: rows
        -rule: PF-LIM-004
        doc: Exports of a module.
      max_constants:
        value: 1048576
        -unit: rows
        -rule: PF-LIM-004
        doc: 64-bit constants of a module.
      max_strings_length:
        value: 16777216
        -unit: bytes
        -rule: PF-LIM-004
        doc: Strings section of a module.
      max_name_length:
        value: 1024
        -unit: bytes
        -rule: PF-LIM-005
        doc: One name, in UTF-8.
      max_function_words:
        value: 65536
        -unit: words
        -rule: PF-LIM-006
        doc: Code of one function.
      max_modules:
        value: 256
        -unit: modules
        -rule: PF-LIM-007
        doc: Modules of a linked set, host modules included.
      max_fuel:
        value: 9007199254740991
        -unit: units
        -rule: PF-LIM-008
        doc: Fuel that a call may be given.
      max_depth:
        value: 9007199254740991
        -unit: frames
        -rule: PF-LIM-008
        doc: Depth that a call may be given.
      min_depth:
        value: 4096
        -unit: frames
        -rule: PF-LIM-009
        doc: Depth that every loader reaches if the call was given it.
      min_bss_total:
        value: 67108864
        -unit: bytes
        -rule: PF-LIM-010
        doc: Zero-filled memory that every loader provides to a linked set.
    types:
      section:
        -too-short: PF-DIR-001
        doc: |
          One directory entry. An entry's offset follows from the entry before it, so neither an overlap nor a
          gap can be written.
        params:
          - id: index
            type: u4
        seq:
          - id: kind_id
            type: u4
            valid:
              expr: index == 0 or kind_id > _parent.sections[index - 1].kind_id
            -rule: PF-DIR-002
            -time: open
            -outcome: malformed
            doc: Section kinds are unique and ascend through the directory.
          - id: check_known
            size: 0
            valid:
              expr: kind_id >= _parent.first_skippable_kind or (kind_id >= section_kind::functions.to_i and kind_id <= section_kind::data.to_i)
            -rule: PF-DIR-003
            -time: open
            -outcome: unsupported
            doc: A kind below 0x80000000 is one that this version defines (1 to 8); any other is unsupported.
          - id: offset
            type: u4
            valid: start
            -rule: PF-DIR-004
            -time: open
            -outcome: malformed
            doc: |
              A section's offset equals the end of what precedes it (the directory, or the previous section),
              rounded up to the alignment of the section's kind.
          - id: length
            type: u4
            valid:
              min: 1
            -rule: PF-DIR-005
            -time: open
            -outcome: malformed
            doc: A section is not empty; an empty one is left out of the directory.
          - id: check_within_file
            size: 0
            valid:
              expr: offset <= _parent.file_length and length <= _parent.file_length - offset
            -rule: PF-DIR-007
            -time: open
            -outcome: malformed
            doc: A section lies wholly within the file.
          - id: check_whole_rows
            size: 0
            valid:
              expr: length % row_size == 0
            -rule: PF-DIR-006
            -time: open
            -outcome: malformed
            doc: A section of rows, constants or code words holds a whole number of them.
          - id: check_limit
            size: 0
            valid:
              expr: length <= max_length
            -rule: PF-LIM-004
            -time: open
            -outcome: malformed
            doc: A section holds no more rows or bytes than the limit of its kind.
        instances:
          kind:
            value: kind_id
            enum: section_kind
          alignment:
            value: '(kind_id >= section_kind::code.to_i and kind_id <= section_kind::data.to_i) ? (1 << _parent.unit_log2) : 8'
            doc: Code, rodata and data are aligned to the unit, all else to 8.
          previous_end:
            value: 'index == 0 ? _parent.header_size + _parent.section_count * sizeof<section> : _parent.sections[index - 1].end'
          start:
            value: '(previous_end + alignment - 1) / alignment * alignment'
            doc: The only offset that this entry may have.
          end:
            value: offset + length
          row_size:
            value: >-
              kind == section_kind::functions ? sizeof<function_row> : kind == section_kind::imports ? sizeof<import_row> : kind == section_kind::exports ? sizeof<export_row>
              : kind == section_kind::constants ? sizeof<constant> : kind == section_kind::code ? sizeof<code_word> : 1
            doc: Bytes of one row, or 1 for a section of bytes.
          max_length:
            value: >-
              kind == section_kind::functions ? _parent.max_functions * row_size : kind == section_kind::imports ? _parent.max_imports * row_size
              : kind == section_kind::exports ? _parent.max_exports * row_size : kind == section_kind::constants ? _parent.max_constants * row_size
              : kind == section_kind::strings ? _parent.max_strings_length : _parent.max_file_length
            doc: Greatest length in bytes.
          functions:
            io: _root._io
            pos: offset
            type: function_row
            repeat: expr
            repeat-expr: length / row_size
            if: kind == section_kind::functions
          imports:
            io: _root._io
            pos: offset
            type: import_row
            repeat: expr
            repeat-expr: length / row_size
            if: kind == section_kind::imports
          exports:
            io: _root._io
            pos: offset
            type: export_row
            repeat: expr
            repeat-expr: length / row_size
            if: kind == section_kind::exports
          constants:
            io: _root._io
            pos: offset
            type: constant
            repeat: expr
            repeat-expr: length / row_size
            if: kind == section_kind::constants
          code:
            io: _root._io
            pos: offset
            type: code_word
            repeat: expr
            repeat-expr: length / row_size
            if: kind == section_kind::code
          bytes:
            io: _root._io
            pos: offset
            size: length
            doc: The section as bytes, whatever its kind.
      function_row:
        doc: |
          One function. Its code starts where the previous row's ends (the first function's at word 0), so code
          ranges can neither overlap nor leave gaps.
        seq:
          - id: code_end
            type: u4
            doc: Word of the code section after the function's last.
          - id: signature
            type: u4
            doc: |
              Four counts in one word: bits 0-7 integer parameters, 8-15 float parameters, 16-23 integer results,
              24-31 float results. Two signatures are equal when the words are.
          - id: i_registers
            type: u1
            doc: Size of the integer bank, `i0` upwards.
          - id: n_registers
            type: u1
            doc: Size of the float bank, `n0` upwards.
          - id: reserved
            type: u2
            valid: 0
            -rule: PF-FUN-001
            -time: call
            -outcome: invalid
            doc: The reserved field of a function row is zero.
      import_row:
        doc: One fixup. The slot that linking fills for it has the row's index.
        seq:
          - id: kind
            type: u1
            enum: import_kind
            valid:
              in-enum: true
            -rule: PF-FIX-001
            -time: link
            -outcome: malformed
            doc: An import's kind is 1 (function) or 2 (data).
          - id: binding
            type: u1
            enum: binding
            valid:
              in-enum: true
            -rule: PF-FIX-002
            -time: link
            -outcome: malformed
            doc: An import's binding is 1 (eager), 2 (lazy) or 3 (weak).
          - id: reserved
            type: u2
            valid: 0
            -rule: PF-FIX-003
            -time: link
            -outcome: malformed
            doc: The reserved field of an import row is zero.
          - id: module
            type: name_ref
            doc: Name of the module to look in, as the embedder named it.
          - id: name
            type: name_ref
            doc: Name of the export to look up.
          - id: requirement
            type: u4
            doc: Signature of a function import, or least size in bytes of a data import.
      export_row:
        doc: One export; rows are sorted by the bytes of their names.
        seq:
          - id: name
            type: name_ref
            doc: Name of the export.
          - id: kind
            type: u1
            enum: import_kind
            valid:
              in-enum: true
            -rule: PF-SEC-008
            -time: link
            -outcome: malformed
            doc: An export's kind is 1 (function) or 2 (data).
          - id: segment
            type: u1
            enum: segment
            valid:
              expr: 'kind == import_kind::function ? segment == segment::none : (segment == segment::rodata or segment == segment::data or segment == segment::bss)'
            -rule: PF-SEC-009
            -time: link
            -outcome: malformed
            doc: A data export's segment is 1 (rodata), 2 (data) or 3 (bss); a function export's is 0.
          - id: reserved
            type: u2
            valid: 0
            -rule: PF-SEC-010
            -time: link
            -outcome: malformed
            doc: The reserved field of an export row is zero.
          - id: position
            type: u4
            doc: Index of the exported function, or offset of the exported bytes in their segment.
          - id: size
            type: u4
            doc: Bytes exported; zero for a function.
      name_ref:
        doc: A range of the strings section.
        seq:
          - id: offset
            type: u4
            doc: First byte, from the start of the strings section.
          - id: length
            type: u4
            doc: Number of bytes.
      constant:
        doc: A 64-bit value, integer or bits of a binary64 alike.
        seq:
          - id: bits
            type: u8
            doc: The 64 bits.
      code_word:
        doc: |
          A word of code, swapped as a unit: its op is the lowest byte, first in a little file and last in a big one.
          A literal is a word of its own.
        seq:
          - id: word
            type: u4
            doc: The 32 bits.
        instances:
          op:
            value: word & 0xff
          a:
            value: (word >> 8) & 0xff
          b:
            value: (word >> 16) & 0xff
          c:
            value: (word >> 24) & 0xff
enums:
  byte_order:
    1:
      id: little
      doc: Least significant byte first.
    2:
      id: big
      doc: Most significant byte first.
  section_kind:
    1:
      id: functions
      doc: Function rows.
    2:
      id: imports
      doc: Import rows, which are the fixups.
    3:
      id: exports
      doc: Export rows, sorted by name.
    4:
      id: constants
      doc: 64-bit constants.
    5:
      id: strings
      doc: The distinct names, in byte order, concatenated.
    6:
      id: code
      doc: Code words of every function, in the order of the rows.
    7:
      id: rodata
      doc: Read-only bytes of the program.
    8:
      id: data
      doc: Initial bytes of the program's writable segment.
    0x80000001:
      id: names
      doc: Reserved for names of functions and registers, for people.
    0x80000002:
      id: lines
      doc: Reserved for source lines, for people.
    0xffffffff:
      id: digests
      doc: Digest tree; the last section of a file that has one.
  import_kind:
    1:
      id: function
      doc: A function.
    2:
      id: data
      doc: Bytes of a segment.
  binding:
    1:
      id: eager
      doc: Missing or mismatched fails the link.
    2:
      id: lazy
      doc: Missing or mismatched traps at use.
    3:
      id: weak
      doc: Missing reads as zero; mismatched fails the link.
  segment:
    0:
      id: none
      doc: No segment (a function export).
    1:
      id: rodata
      doc: The rodata section itself, mapped.
    2:
      id: data
      doc: The data section, copied on write.
    3:
      id: bss
      doc: Zero-filled memory.
