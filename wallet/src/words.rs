//! Recovery words: BIP-39, English, 12 or 24 of them, and the keys that BIP-32 derives from them.
//!
//! Account i has the path `m/44'/60'/0'/0/i`, as every Ethereum wallet has it. There is no BIP-39 passphrase: the
//! keystore's password protects the file, the words alone restore the keys.

use std::fmt;

use alloy_signer_local::coins_bip39::{English, Entropy, Mnemonic, Wordlist as _};
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};
use zeroize::Zeroizing;

use crate::error::WalletError;

/// Words in memory: never shown by accident, wiped when dropped.
#[derive(Clone)]
pub struct Words(Zeroizing<String>);

impl Words {
    /// New words from the operating system's generator: 12 of them stand for 128 bits, 24 for 256.
    ///
    /// # Errors
    /// [`WalletError::Words`] for another count, [`WalletError::NoRandomness`].
    pub fn generate(count: usize) -> Result<Self, WalletError> {
        let bytes = match count {
            12 => 16,
            24 => 32,
            _ => return Err(WalletError::Words { problem: format!("{count} is neither 12 nor 24") }),
        };
        let mut entropy = Zeroizing::new(vec![0; bytes]);
        getrandom::fill(&mut entropy).map_err(|_| WalletError::NoRandomness)?;
        let entropy = Entropy::from_slice(&*entropy).map_err(|_| WalletError::NoRandomness)?;
        Ok(Self(Zeroizing::new(Mnemonic::<English>::new_from_entropy(entropy).to_phrase())))
    }

    /// Reads words, whatever white space stands between them.
    ///
    /// # Errors
    /// [`WalletError::Words`] with the place of the first one that is not in the list, or a wrong number or checksum.
    pub fn parse(text: &str) -> Result<Self, WalletError> {
        let refuse = |problem: String| Err(WalletError::Words { problem });
        let mut phrase = Zeroizing::new(String::with_capacity(text.len()));
        for (index, word) in text.split_whitespace().enumerate() {
            // Position alone: the word itself may be a slip of a right one.
            if English::get_index(word).is_err() {
                return refuse(format!("word {} is not in the list", index + 1));
            }
            if index > 0 {
                phrase.push(' ');
            }
            phrase.push_str(word);
        }
        let count = phrase.split_whitespace().count();
        if count != 12 && count != 24 {
            return refuse(format!("there are {count} of them"));
        }
        if Mnemonic::<English>::new_from_phrase(&phrase).is_err() {
            return refuse("their checksum does not fit: a word is wrong, or two are exchanged".to_owned());
        }
        Ok(Self(phrase))
    }

    /// The words, to be shown once to their owner.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The key of account `index`.
    ///
    /// # Errors
    /// [`WalletError::Words`] for an index of 2^31 or more.
    pub fn signer(&self, index: u32) -> Result<PrivateKeySigner, WalletError> {
        let signer = MnemonicBuilder::<English>::from_phrase(self.0.as_str()).index(index);
        let signer = signer.and_then(|builder| builder.build());
        signer.map_err(|_| WalletError::Words { problem: format!("they have no account {index}") })
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Words(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first vector of BIP-39, whose first Ethereum account every wallet shows.
    const VECTOR: &str =
        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

    #[test]
    fn published_words_have_their_published_accounts() {
        let words = Words::parse(VECTOR).unwrap();
        assert_eq!(
            words.signer(0).unwrap().address().to_string(),
            "0x9858EfFD232B4033E47d90003D41EC34EcaEda94"
        );
        // Hardhat's and anvil's public words.
        let words = Words::parse("test test test test test test test test test test test junk").unwrap();
        let expected =
            ["0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"];
        for (index, account) in (0..).zip(expected) {
            assert_eq!(words.signer(index).unwrap().address().to_string(), account);
        }
        assert!(words.signer(1 << 31).is_err());
    }

    #[test]
    fn fresh_words_are_accepted_again_and_differ() {
        for count in [12, 24] {
            let (one, other) = (Words::generate(count).unwrap(), Words::generate(count).unwrap());
            assert_eq!(one.reveal().split(' ').count(), count);
            assert_ne!(one.reveal(), other.reveal());
            let spread = one.reveal().replace(' ', "\n  ");
            assert_eq!(Words::parse(&spread).unwrap().reveal(), one.reveal());
        }
        assert!(Words::generate(13).is_err());
    }

    #[test]
    fn wrong_words_are_refused_without_being_repeated() {
        let swapped = VECTOR.replace("about", "abandon");
        let unknown = VECTOR.replace("about", "secretword");
        let problems =
            [(swapped.as_str(), "checksum"), (unknown.as_str(), "word 12"), ("abandon about", "there are 2")];
        for (text, says) in problems {
            let error = Words::parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
            assert!(!error.contains("secretword") && !error.contains("abandon"), "{error}");
        }
        assert_eq!(format!("{:?}", Words::parse(VECTOR).unwrap()), "Words(..)");
    }
}
