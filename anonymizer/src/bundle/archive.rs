//! A bundle as one file, `.tar.zst`: the same bytes wherever it is made, and none other accepted.
//!
//! ```text
//! zstd frame (content checksum)        tar: sorted paths, regular files, mode 644, owner 0, time 0
//! skippable frame (RFC 8878, 3.1.2)    zeros | keccak256 of all bytes before | length of this payload
//! ```
//!
//! Ordinary `tar --zstd` skips the second frame. It is there because many compressed streams unpack to
//! one content: without it a changed byte could go unnoticed. Its zeros pad the shards of a release to
//! one size, so that a size tells nothing.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::Path;

use medrec_domain::keccak256;

use super::files::{Collector, Files, Limits};
use super::folder;
use crate::error::AnonymizerError;

/// Folder inside the archive, so that unpacking does not litter.
const ROOT: &str = "medrec-bundle/";
/// Magic number of a skippable frame.
const SKIPPABLE: [u8; 4] = 0x184D_2A50_u32.to_le_bytes();
/// Bytes of a skippable frame's head: magic and length.
const HEAD_BYTES: usize = 8;
/// Bytes at the end of the payload: digest and length.
const TAIL_BYTES: usize = 36;
/// Strong, and still a second for the largest bundles.
const COMPRESSION_LEVEL: i32 = 12;
/// The decoder's window, and so its memory: 128 MiB, which is what the encoder may use at most.
const WINDOW_LOG: u32 = 27;

/// Size of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// As small as it gets.
    None,
    /// Exactly this many bytes.
    ToBytes(u64),
}

/// Packs the bundle in `folder` into `file`, which must not exist yet.
///
/// # Errors
/// [`AnonymizerError::Io`], [`AnonymizerError::Exists`], or [`AnonymizerError::Bundle`] when the folder holds
/// what no bundle holds or more than the padded size.
pub fn archive(folder: &Path, file: &Path, padding: Padding) -> Result<(), AnonymizerError> {
    let files = folder::read(folder, Limits::default())?;
    let bytes = pack(&files, padding)?;
    if fs::symlink_metadata(file).is_ok() {
        return Err(AnonymizerError::Exists { path: file.to_path_buf() });
    }
    let parent = folder::parent_of(file);
    let failed = || AnonymizerError::io(file);
    let mut staging = tempfile::NamedTempFile::new_in(&parent).map_err(AnonymizerError::io(&parent))?;
    staging.write_all(&bytes).map_err(failed())?;
    staging.as_file().sync_all().map_err(failed())?;
    let readable = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
    staging.as_file().set_permissions(readable).map_err(failed())?;
    staging.persist_noclobber(file).map_err(|error| failed()(error.error))?;
    File::open(&parent).and_then(|parent| parent.sync_all()).map_err(AnonymizerError::io(&parent))
}

/// The bytes of an archive.
///
/// # Errors
/// [`AnonymizerError::Bundle`] when it does not fit the padded size.
pub fn pack(files: &Files, padding: Padding) -> Result<Vec<u8>, AnonymizerError> {
    let failed = |error| AnonymizerError::bundle("archive", error);
    let tar = tar_bytes(files).map_err(failed)?;
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), COMPRESSION_LEVEL).map_err(failed)?;
    encoder.include_checksum(true).map_err(failed)?;
    encoder.set_pledged_src_size(u64::try_from(tar.len()).ok()).map_err(failed)?;
    encoder.write_all(&tar).map_err(failed)?;
    let mut bytes = encoder.finish().map_err(failed)?;
    let least = bytes.len() + HEAD_BYTES + TAIL_BYTES;
    let zeros = match padding {
        Padding::None => 0,
        Padding::ToBytes(size) => {
            usize::try_from(size).ok().and_then(|size| size.checked_sub(least)).ok_or_else(|| {
                AnonymizerError::bundle(
                    "archive",
                    format!("it has {least} bytes, more than the {size} to pad to"),
                )
            })?
        }
    };
    let payload =
        u32::try_from(zeros + TAIL_BYTES).map_err(|error| AnonymizerError::bundle("archive", error))?;
    bytes.extend_from_slice(&SKIPPABLE);
    bytes.extend_from_slice(&payload.to_le_bytes());
    bytes.resize(bytes.len() + zeros, 0);
    let digest = keccak256(&bytes);
    bytes.extend_from_slice(&digest.0);
    bytes.extend_from_slice(&payload.to_le_bytes());
    Ok(bytes)
}

fn tar_bytes(files: &Files) -> std::io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    tar.mode(tar::HeaderMode::Deterministic);
    for (path, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_path(format!("{ROOT}{path}"))?;
        header.set_size(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        tar.append(&header, bytes.as_slice())?;
    }
    tar.into_inner()
}

/// Reads an archive file.
///
/// # Errors
/// [`AnonymizerError::Io`]; [`AnonymizerError::Bundle`] as [`unpack`].
pub(super) fn read(path: &Path, limits: Limits) -> Result<Files, AnonymizerError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limits.bytes.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(AnonymizerError::io(path))?;
    unpack(&bytes, limits)
}

/// The files of an archive's bytes.
///
/// # Errors
/// [`AnonymizerError::Bundle`] unless it is exactly what [`pack`] makes of its files, compression apart.
pub fn unpack(bytes: &[u8], limits: Limits) -> Result<Files, AnonymizerError> {
    let refuse = |problem: String| AnonymizerError::bundle("archive", problem);
    let frame = sealed(bytes)
        .ok_or_else(|| refuse("its closing digest does not match: a byte has changed".into()))?;
    let most = limits
        .bytes
        .saturating_add(u64::try_from(limits.files).unwrap_or(u64::MAX).saturating_mul(1024) + 1024);
    let mut tar = Vec::new();
    let mut decoder =
        zstd::stream::read::Decoder::with_buffer(frame).map_err(|error| refuse(error.to_string()))?;
    decoder.window_log_max(WINDOW_LOG).map_err(|error| refuse(error.to_string()))?;
    decoder.take(most.saturating_add(1)).read_to_end(&mut tar).map_err(|error| refuse(error.to_string()))?;
    if u64::try_from(tar.len()).map_or(true, |length| length > most) {
        return Err(refuse(format!("it unpacks to more than {} bytes", limits.bytes)));
    }
    let mut collector = Collector::new(limits);
    for entry in tar::Archive::new(tar.as_slice()).entries().map_err(|error| refuse(error.to_string()))? {
        let mut entry = entry.map_err(|error| refuse(error.to_string()))?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let path = path.strip_prefix(ROOT).ok_or_else(|| refuse(format!("{path:?} is not inside {ROOT}")))?;
        if entry.header().entry_type() != tar::EntryType::Regular {
            return Err(refuse(format!("{path:?} is not a regular file")));
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(|error| refuse(error.to_string()))?;
        collector.add(path, content)?;
    }
    let files = collector.into_files();
    // One content has one tar: other orders, owners, times and trailing bytes are all refused here.
    if tar_bytes(&files).is_ok_and(|canonical| canonical == tar) {
        Ok(files)
    } else {
        Err(refuse("it is not in the form that bundles are packed in".into()))
    }
}

/// The compressed frame, if the closing frame vouches for every byte.
fn sealed(bytes: &[u8]) -> Option<&[u8]> {
    let (before_length, length) = bytes.split_last_chunk::<4>()?;
    let payload = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (before_digest, digest) = before_length.split_last_chunk::<32>()?;
    let frame_bytes = bytes.len().checked_sub(payload.checked_add(HEAD_BYTES)?)?;
    let (frame, closing) = before_digest.split_at_checked(frame_bytes)?;
    let (head, zeros) = closing.split_at_checked(HEAD_BYTES)?;
    let is_head = head[..4] == SKIPPABLE && head[4..] == *length && zeros.iter().all(|&byte| byte == 0);
    (is_head && keccak256(before_digest).0 == *digest).then_some(frame)
}
