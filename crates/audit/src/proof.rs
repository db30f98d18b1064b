//! Proofs of rows that are not entries of a chain: an HMAC over their columns. Whoever can write to the database but does not
//! have the key cannot change a proved row, or make one, without detection. A deleted row is detected only by what a chain
//! says of it.

use crate::encoding::row_message;
use crate::hash::Hash;
use crate::key::Key;
use crate::key_id::KeyId;

/// Bytes of a proof: the id of its key, then the HMAC.
const KEY_ID_BYTES: usize = 8;

/// A row is not as it was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It has no proof, or something that is none.
    #[error("it has no proof")]
    Missing,
    /// Its proof names a key that is not configured.
    #[error("audit key {key} of its proof is missing")]
    UnknownKey {
        /// The unknown key.
        key: KeyId,
    },
    /// Its columns are not those that were proved.
    #[error("it was changed: its proof does not match its content")]
    Changed,
}

impl Key {
    /// The proof of a row: 40 bytes. `kind` names what the row is, so that a row of one table is none of another. `None` is a
    /// column that is NULL.
    #[must_use]
    pub fn prove(&self, kind: &str, columns: &[Option<Vec<u8>>]) -> Vec<u8> {
        let mac = self.sign(&row_message(self.id(), kind, columns));
        [&self.id().0[..], mac.as_bytes()].concat()
    }

    /// Checks the proof of a row, with the key that it names.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn check_proof(
        &self,
        kind: &str,
        columns: &[Option<Vec<u8>>],
        proof: Option<&[u8]>,
    ) -> Result<(), ProofError> {
        let (id, mac) = proof.and_then(parts).ok_or(ProofError::Missing)?;
        match self.sign_as(id, &row_message(id, kind, columns)) {
            Some(expected) if expected == mac => Ok(()),
            Some(_) => Err(ProofError::Changed),
            None => Err(ProofError::UnknownKey { key: id }),
        }
    }
}

/// The key and the HMAC of a proof.
fn parts(proof: &[u8]) -> Option<(KeyId, Hash)> {
    let (id, mac) = proof.split_at_checked(KEY_ID_BYTES)?;
    Some((KeyId(id.try_into().ok()?), Hash::from_bytes(mac.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(texts: &[&str]) -> Vec<Option<Vec<u8>>> {
        texts.iter().map(|text| Some(text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn a_proof_holds_for_its_kind_columns_and_key_only() {
        let (old, other) = (Key::new(&[1; 32]).unwrap(), Key::new(&[3; 32]).unwrap());
        let new = Key::new(&[2; 32]).unwrap().and_older(&[1; 32]).unwrap();
        let row = columns(&["bridge", "100"]);
        let proof = old.prove("event", &row);
        assert_eq!(proof.len(), 40);
        assert_eq!(new.check_proof("event", &row, Some(&proof)), Ok(()));
        let unknown = ProofError::UnknownKey { key: old.id() };
        assert_eq!(other.check_proof("event", &row, Some(&proof)), Err(unknown));
        let nulls = [columns(&["bridge", "100"]), vec![None]].concat();
        let empty = columns(&["bridge", "100", ""]);
        for (kind, changed) in [
            ("fact", &row),
            ("event", &columns(&["bridge", "900"])),
            ("event", &columns(&["bridge1", "00"])),
            ("event", &columns(&["100", "bridge"])),
            ("event", &nulls),
            ("event", &empty),
        ] {
            assert_eq!(new.check_proof(kind, changed, Some(&proof)), Err(ProofError::Changed), "{changed:?}");
        }
        assert_ne!(old.prove("event", &nulls), old.prove("event", &empty));
        for none in [None, Some(&[][..]), Some(&proof[1..]), Some(&[0; 7])] {
            assert_eq!(new.check_proof("event", &row, none), Err(ProofError::Missing));
        }
    }
}
