//! [`FrameObserver`]: tells of which kind the frame is whose bytes a WebSocket reads.
//!
//! tungstenite checks the size of a frame before its kind, and its error names only the size. A control frame
//! of more than 125 bytes breaks the protocol, while other frames have a limit of this server. Frames are read
//! and checked by tungstenite, and must not be here.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Maximum length of a header without the mask: two bytes and a length of 64 bits.
const MAX_HEADER_BYTES: usize = 10;
/// Length of the mask, which follows the header.
const MASK_BYTES: u64 = 4;
/// The bit of the second byte that announces a mask.
const MASK_BIT: u8 = 0x80;
/// The bit of the first byte that control frames have set.
const CONTROL_BIT: u8 = 0x08;

/// A stream of frames. Bytes pass through it unchanged.
pub struct FrameObserver<S> {
    stream: S,
    frame: CurrentFrame,
}

/// The frame that the last byte belongs to.
#[derive(Default)]
struct CurrentFrame {
    header: [u8; MAX_HEADER_BYTES],
    header_length: usize,
    /// Number of bytes that follow the header. `None` while the header is incomplete.
    rest: Option<u64>,
}

impl<S> FrameObserver<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, frame: CurrentFrame::default() }
    }

    /// Returns `true` if the last byte that was read belongs to a control frame.
    pub const fn is_in_control_frame(&self) -> bool {
        self.frame.header[0] & CONTROL_BIT != 0
    }
}

impl CurrentFrame {
    fn follow(&mut self, mut bytes: &[u8]) {
        while let Some((first, others)) = bytes.split_first() {
            match self.rest {
                Some(0) => *self = Self::default(),
                Some(rest) => {
                    let skipped = usize::try_from(rest).unwrap_or(usize::MAX).min(bytes.len());
                    bytes = &bytes[skipped..];
                    self.rest = Some(rest - skipped as u64);
                }
                None => {
                    self.header[self.header_length] = *first;
                    self.header_length += 1;
                    self.rest = self.length();
                    bytes = others;
                }
            }
        }
    }

    /// The length of mask and payload. `None` while the header is incomplete.
    fn length(&self) -> Option<u64> {
        let (_, header) = self.header[..self.header_length].split_first()?;
        let (second, length) = header.split_first()?;
        let payload = match (second & !MASK_BIT, length.len()) {
            (126, 2) => u16::from_be_bytes(length.try_into().ok()?).into(),
            (127, 8) => u64::from_be_bytes(length.try_into().ok()?),
            (126 | 127, _) => return None,
            (short, _) => short.into(),
        };
        let mask = if second & MASK_BIT == 0 { 0 } else { MASK_BYTES };
        Some(payload.saturating_add(mask))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for FrameObserver<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        self.frame.follow(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for FrameObserver<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: u8 = 0x81;
    const PING: u8 = 0x89;

    #[test]
    fn frame_observer_knows_the_kind_of_the_current_frame() {
        let short = [&[TEXT, 0x82, 1, 2, 3, 4][..], b"hi"].concat();
        let unmasked = [TEXT, 0];
        let medium = [&[TEXT, 0xFE, 0, 126, 1, 2, 3, 4][..], &[PING; 126]].concat();
        let long =
            [&[TEXT, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4][..], &vec![PING; 65_536]].concat();
        let endless = [&[TEXT, 0xFF][..], &[0xFF; 8], &[1, 2, 3, 4]].concat();
        for before in [&[][..], &short, &unmasked, &medium, &long] {
            for (last, is_control) in
                [(&[PING, 0xFF, 0][..], true), (&[PING], true), (&endless, false)]
            {
                let bytes = [before, last].concat();
                for chunk in [1, 3, bytes.len()] {
                    let mut observer = FrameObserver::new(());
                    bytes.chunks(chunk).for_each(|bytes| observer.frame.follow(bytes));
                    assert_eq!(observer.is_in_control_frame(), is_control, "{chunk} {last:?}");
                }
            }
        }
    }
}
