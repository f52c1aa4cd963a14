//! How often each host is named in the http and https URLs of a text.

use std::io::{stdin, stdout, BufRead, BufWriter, Error, ErrorKind, Result, Write};

fn main() -> Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, stdout().lock());
    match std::env::args().nth(1).as_deref() {
        Some("map") => each_line(|line| map(line, &mut out))?,
        Some("sum") => sum(&mut out)?,
        _ => return Err(Error::new(ErrorKind::InvalidInput, "usage: hosts map|sum")),
    }
    out.flush()
}

fn map(line: &[u8], out: &mut impl Write) -> Result<()> {
    let mut rest = line;
    while let Some(at) = find(rest, b"://") {
        let is_url = rest[..at].ends_with(b"http") || rest[..at].ends_with(b"https");
        rest = &rest[at + 3..];
        let is_of_host = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'.' || *byte == b'-';
        let end = rest.iter().position(|byte| !is_of_host(byte)).unwrap_or(rest.len());
        if is_url && end > 0 {
            out.write_all(&rest[..end].to_ascii_lowercase())?;
            out.write_all(b"\t1\n")?;
            rest = &rest[end..];
        }
    }
    Ok(())
}

/// Equal keys are neighbours: to combine and to reduce.
fn sum(out: &mut impl Write) -> Result<()> {
    let mut current: Option<(Vec<u8>, u64)> = None;
    let write = |(key, total): (Vec<u8>, u64), out: &mut dyn Write| -> Result<()> {
        out.write_all(&key)?;
        writeln!(out, "\t{total}")
    };
    each_line(|line| {
        let number = line.iter().rposition(|byte| *byte == b'\t').and_then(|tab| {
            let text = std::str::from_utf8(&line[tab + 1..]).ok()?;
            Some((&line[..tab], text.parse::<u64>().ok()?))
        });
        let (key, number) = number.ok_or_else(|| Error::new(ErrorKind::InvalidData, "not a key, a tab and a number"))?;
        match &mut current {
            Some((same, total)) if same == key => *total += number,
            _ => {
                if let Some(finished) = current.replace((key.to_vec(), number)) {
                    write(finished, out)?;
                }
            }
        }
        Ok(())
    })?;
    current.map_or(Ok(()), |last| write(last, out))
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn each_line(mut act: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut input = stdin().lock();
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        act(&line)?;
        line.clear();
    }
    Ok(())
}
