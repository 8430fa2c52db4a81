//! TLS to a broker: whom we trust, and who we are, from PEM files.

use super::{
    Config,
    target::{SetupError, Tls, read},
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

const CERTIFICATES: &str = "a PEM file of certificates, -----BEGIN CERTIFICATE-----";
const KEY: &str = "a PEM file with an unencrypted private key, -----BEGIN PRIVATE KEY-----";

/// How the broker of `config` and we know each other.
///
/// # Errors
/// A file that cannot be used.
pub(super) fn open(config: &Config) -> Result<Tls, SetupError> {
    let (roots, trusted) = match &config.ca {
        Some(file) => (named(file)?, file.display().to_string()),
        None => (of_this_machine(), "this machine's certificates".to_owned()),
    };
    let fault = |key, file: &Path, why: String, expected| SetupError {
        key,
        file: file.to_owned(),
        why,
        expected,
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| {
            let file = config.ca.clone().unwrap_or_else(|| PathBuf::from("TLS"));
            fault("ca", &file, format!("cannot be used: {e}"), CERTIFICATES)
        })?
        .with_root_certificates(roots);
    let client = match (&config.certificate, &config.key) {
        (Some(certificate), Some(key)) => {
            let chain = certificates("certificate", certificate)?;
            let private = PrivateKeyDer::from_pem_slice(&read("key", key, KEY)?)
                .map_err(|_| fault("key", key, "holds no private key".to_owned(), KEY))?;
            builder.with_client_auth_cert(chain, private).map_err(|e| {
                let why = format!("does not go with {}: {e}", certificate.display());
                fault("key", key, why, "the private key of bus.certificate")
            })?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(Tls {
        client: Arc::new(client),
        trusted,
        certificate: config.certificate.clone(),
    })
}

fn named(file: &Path) -> Result<RootCertStore, SetupError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("ca", file)? {
        roots.add(certificate).map_err(|e| SetupError {
            key: "ca",
            file: file.to_owned(),
            why: format!("holds something that is no certificate: {e}"),
            expected: CERTIFICATES,
        })?;
    }
    Ok(roots)
}

/// What cannot be read of it is not trusted.
fn of_this_machine() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn certificates(
    key: &'static str,
    file: &Path,
) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let fault = |why: String| SetupError {
        key,
        file: file.to_owned(),
        why,
        expected: CERTIFICATES,
    };
    let bytes = read(key, file, CERTIFICATES)?;
    let all: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|e| fault(format!("is damaged: {e}")))?;
    if all.is_empty() {
        return Err(fault("holds no certificate".to_owned()));
    }
    Ok(all)
}
