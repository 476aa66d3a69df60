//! Records into a spool, without the command line: `record SPOOL [SECONDS] [pid PID | all | -- COMMAND...]`.
use std::ffi::OsString;
use std::time::Duration;
use wakechain_capture::*;
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let spool = args[0].clone();
    let _ = std::fs::remove_file(&spool);
    let secs: f64 = args[1].parse().unwrap();
    let targets = match args[2].as_str() {
        "pid" => Targets::Processes(args[3..].iter().map(|p| p.parse().unwrap()).collect()),
        "all" => Targets::All,
        _ => Targets::Command(CommandLine { arguments: args[3..].iter().map(OsString::from).collect(), user: None }),
    };
    let mut options = CaptureOptions::new(targets, spool.into());
    if secs > 0.0 { options.duration = Some(Duration::from_secs_f64(secs)); }
    if let Ok(r) = std::env::var("RING") { options.ring_bytes = Some(r.parse().unwrap()); }
    if let Ok(r) = std::env::var("RUNG") { options.rung = Some(match r.as_str() { "multi" => Rung::Multi, "link" => Rung::Link, _ => Rung::Session }); }
    if let Ok(r) = std::env::var("PROFILE") { options.profile = match r.as_str() { "minimal" => Profile::Minimal, "deep" => Profile::Deep, _ => Profile::Standard }; }
    let control = Control::new();
    let result = run(&options, &control, &mut |p| println!("{p:?}"));
    let rss = std::fs::read_to_string("/proc/self/status").unwrap();
    for l in rss.lines().filter(|l| l.starts_with("VmHWM") || l.starts_with("VmRSS") || l.starts_with("Rss")) { println!("{l}"); }
    match result { Ok(o) => println!("{o:#?}"), Err(e) => println!("{} {} {}", e.code, e.message, e.hint) }
}
