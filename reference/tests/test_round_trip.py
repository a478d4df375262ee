"""What generated modules promise: bytes and text lose nothing, in both byte orders."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from packfile.assembler import assemble
from packfile.disassembler import disassemble
from packfile.instructions import INSTRUCTIONS, FieldKind, Opcode
from packfile.layout import Binding, ByteOrder, ImportKind, Segment
from packfile.model import Export, Function, Import, Module, Signature, Skippable
from packfile.writer import convert, decode, encode

U4, U8 = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF

counts = st.one_of(st.integers(0, 3), st.integers(0, 255))
signatures = st.builds(Signature, counts, counts, counts, counts)
plain_names = st.sampled_from(
    ["f", "f0", "f1", "main", "log_i", "i0", "n12", "as", "even?", "a.b", "rodata", "rodata_0", "nan"]
)
any_names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
names = st.one_of(plain_names, any_names)
imports = st.builds(Import, st.sampled_from(ImportKind), st.sampled_from(Binding), names, names, st.integers(0, U4))
runs = st.one_of(
    st.binary(max_size=40), st.integers(0, 60).map(bytes), st.sampled_from([b"hello, world\n\0", b'\\"x"' * 30])
)
contents = st.lists(runs, max_size=4).map(b"".join)
skippables = st.builds(Skippable, st.integers(0x80000000, U4 - 1), st.binary(min_size=1, max_size=80))


@st.composite
def instructions(draw: st.DrawFn) -> list[int]:
    """Words of one instruction, with operands that are likely and unlikely; a table comes with its jumps, or nearly."""
    row = INSTRUCTIONS[draw(st.sampled_from(Opcode))]
    words = [int(row.opcode)]
    for operand in row.operands:
        bits = 8 * operand.size
        near = st.integers(-12, 12) if operand.field is FieldKind.BRANCH else st.integers(0, 4)
        value = draw(st.one_of(near, near, st.integers(0, (1 << bits) - 1)))
        if operand.field is FieldKind.LITERAL:
            words.append(value & U4)
        else:
            words[0] |= (value & (1 << bits) - 1) << 8 * operand.position
    if row.opcode is Opcode.JMP_TABLE and draw(st.booleans()):
        count = draw(st.integers(0, 10))
        words[0] = words[0] & 0xFFFF | count << 16
        words += [Opcode.JMP | (draw(st.integers(-8, 12)) & 0xFFFFFF) << 8 for _ in range(count + 1)]
    return words


codes = st.lists(
    st.one_of(instructions(), instructions(), st.integers(0, U4).map(lambda word: [word])), max_size=12
).map(lambda parts: tuple(word for part in parts for word in part))
registers = st.one_of(st.integers(0, 6), st.integers(0, 255))
functions = st.builds(Function, signatures, registers, registers, codes)


@st.composite
def modules(draw: st.DrawFn) -> Module:
    """A module that the writer accepts, its code mostly invalid."""
    made: list[Function] = draw(st.lists(functions, max_size=4))
    if made and not any(function.code for function in made):
        made.append(Function(Signature(), 0, 0, (0x13,)))
    rodata, data, bss_size = draw(contents), draw(contents), draw(st.integers(0, 1 << 30))
    sizes = {Segment.RODATA: len(rodata), Segment.DATA: len(data), Segment.BSS: bss_size}
    exports = []
    for name in sorted(draw(st.sets(names, max_size=5)), key=str.encode):
        if draw(st.booleans()) and made:
            exports.append(Export(name, ImportKind.FUNCTION, Segment.NONE, draw(st.integers(0, len(made) - 1)), 0))
        else:
            segment = draw(st.sampled_from(list(sizes)))
            position = draw(st.integers(0, sizes[segment]))
            size = draw(st.integers(0, sizes[segment] - position))
            exports.append(Export(name, ImportKind.DATA, segment, position, size))
    return Module(
        functions=tuple(made),
        imports=tuple(draw(st.lists(imports, max_size=4))),
        exports=tuple(exports),
        constants=tuple(draw(st.lists(st.integers(0, U8), max_size=6))),
        rodata=rodata,
        data=data,
        bss_size=bss_size,
        entry=draw(st.one_of(st.none(), st.integers(0, len(made) - 1))) if made else None,
        unit_log2=draw(st.sampled_from([12, 16])),
        skippable=tuple(
            sorted(draw(st.lists(skippables, max_size=3, unique_by=lambda s: s.kind)), key=lambda s: s.kind)
        ),
    )


round_trips = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@round_trips
@given(modules(), st.sampled_from(ByteOrder))
def test_a_written_module_reads_back_equal_and_writes_the_same_bytes(module: Module, order: ByteOrder) -> None:
    file = encode(module, order)
    assert decode(file) == module
    assert encode(decode(file), order) == file


@round_trips
@given(modules(), st.sampled_from(ByteOrder))
def test_converting_twice_gives_the_same_file(module: Module, order: ByteOrder) -> None:
    file, other = encode(module, order), encode(module, ByteOrder(3 - order))
    assert convert(file, ByteOrder(3 - order)) == other
    assert convert(other, order) == file
    assert convert(file, order) == file


@round_trips
@given(modules())
def test_disassembled_text_assembles_to_the_same_module(module: Module) -> None:
    text = disassemble(module)
    assert assemble(text) == module
    assert disassemble(assemble(text)) == text


@given(st.sampled_from(Opcode), st.data())
def test_every_instruction_survives_with_any_operands(opcode: Opcode, data: st.DataObject) -> None:
    row = INSTRUCTIONS[opcode]
    word = int(opcode)
    for operand in row.operands:
        if operand.field is not FieldKind.LITERAL:
            bits = 8 * operand.size
            word |= data.draw(st.integers(0, (1 << bits) - 1)) << 8 * operand.position
    literal = [data.draw(st.integers(0, U4))] if row.literal else []
    module = Module(functions=(Function(Signature(), 0, 0, (word, *literal)),))
    text = disassemble(module)
    assert ".word" not in text
    assert row.mnemonic in text
    assert assemble(text) == module
