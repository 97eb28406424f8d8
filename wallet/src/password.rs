//! A password in memory: never shown, wiped when dropped.
//!
//! Where it comes from (a file, the environment, a terminal) is the caller's business; never the command line, which every
//! process of the machine can read.

use std::fmt;

use zeroize::Zeroizing;

/// A password.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes a password over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// From the bytes of a password file: its first line, without the line's end.
    ///
    /// # Errors
    /// A sentence when that is no text or empty.
    pub fn from_file_bytes(bytes: Vec<u8>) -> Result<Self, &'static str> {
        let bytes = Zeroizing::new(bytes);
        let text = std::str::from_utf8(&bytes).map_err(|_| "the password file is no UTF-8 text")?;
        let line = text.lines().next().unwrap_or_default();
        if line.is_empty() {
            Err("the password file's first line is empty")
        } else {
            Ok(Self::new(line.to_owned()))
        }
    }

    /// Whether it is the empty text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        *self.0 == *other.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_file_gives_its_first_line_and_nothing_shows_it() {
        let password = Password::from_file_bytes(b"two words\r\nrest\n".to_vec()).unwrap();
        assert_eq!(password, Password::new("two words".to_owned()));
        assert_eq!(format!("{password:?}"), "Password(..)");
        assert!(Password::from_file_bytes(b"\n".to_vec()).is_err());
        assert!(Password::from_file_bytes(vec![0xff]).is_err());
    }
}
