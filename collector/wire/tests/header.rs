//! The reader of `wire.h`: what it takes, and that it refuses what it does not know rather than leaving it out.

#[path = "../generate/parse.rs"]
mod parse;

use parse::parse;

#[test]
fn constants_enums_and_structs() {
    let text = "#ifndef A\n#define A\n/* a\n comment */\n#define N 3 /* three */\nenum e { X = 1, Y = 0x10, };\n\
                struct inner { __u32 a; __u16 b; __u16 c; };\nstruct outer { struct inner first; __u64 list[N]; };\n#endif\n";
    let made = parse(text).unwrap();
    assert_eq!(made.constants, [("N".to_string(), 3), ("X".to_string(), 1), ("Y".to_string(), 16)]);
    assert_eq!(made.structs[1].bytes, 32);
    assert_eq!(made.structs[1].fields[1].offset, 8);
    assert_eq!(made.structs[1].fields[1].count, Some(3));
}

#[test]
fn what_it_does_not_know_is_an_error() {
    for (text, words) in [
        ("struct s { __u32 a; __u64 b; };", "a hole of 4 bytes before b"),
        ("struct s { __u32 a; };", "not a multiple of 8"),
        ("struct s { int a; };", "'int' is no type"),
        ("struct s { __u64 a:3; };", "':' is not allowed"),
        ("union u { __u64 a; };", "'union' begins no declaration"),
        ("struct s { struct t a; };", "struct t is not known yet"),
        ("#define F(x) x\n", "'x' is no number"),
        ("#define A 1\n#define A 2\n", "A is defined twice"),
        ("#define A (1 << 2)\n", "is not `#define NAME number`"),
        ("enum e { A, B };", "'=' expected"),
        ("/* open", "a comment does not end"),
        ("struct s { __u64 a;", "the file ends"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    }
}
