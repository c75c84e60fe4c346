//! One connection: read what is there, answer all of it in one write.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;

use super::Counters;
use super::answers::Answers;
use super::request;

/// Room for one read; grows only for a frame that is larger.
const READ_BUFFER: usize = 1 << 20;

/// Serves until the client closes. A reset is an ordinary end: clients of a benchmark leave as they like.
pub(super) fn serve(
    mut stream: TcpStream,
    answers: &mut Answers,
    counters: &Counters,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = vec![0_u8; READ_BUFFER];
    let mut filled = 0;
    let mut output = Vec::with_capacity(READ_BUFFER);
    loop {
        match stream.read(&mut input[filled..]) {
            Ok(0) => return Ok(()),
            Ok(len) => filled += len,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        let taken = answer_all(&input[..filled], &mut output, answers, counters)
            .map_err(|text| Error::new(ErrorKind::InvalidData, text))?;
        input.copy_within(taken..filled, 0);
        filled -= taken;
        if filled == input.len() {
            input.resize(2 * filled, 0);
        }
        match stream.write_all(&output) {
            Ok(()) => output.clear(),
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
}

/// Answers every whole frame of `input`; returns the bytes they took.
fn answer_all(
    input: &[u8],
    output: &mut Vec<u8>,
    answers: &mut Answers,
    counters: &Counters,
) -> Result<usize, String> {
    let (mut taken, mut sends, mut oneway_sends, mut send_bytes) = (0, 0, 0, 0);
    while let Some(request) = request::read(&input[taken..])? {
        taken += request.frame_len;
        if Answers::is_send(request) {
            sends += request.messages as u64;
            send_bytes += request.frame_len as u64;
            oneway_sends += u64::from(request.oneway) * request.messages as u64;
        }
        if !request.oneway {
            answers.write(output, request);
        }
    }
    counters.reads.fetch_add(1, Ordering::Relaxed);
    counters.oneway_sends.fetch_add(oneway_sends, Ordering::Relaxed);
    counters.send_bytes.fetch_add(send_bytes, Ordering::Relaxed);
    counters.sends.fetch_add(sends, Ordering::Release);
    Ok(taken)
}
