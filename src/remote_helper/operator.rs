//! Operators: the store of an address, as OpenDAL reaches it. Credentials come from where each service looks for them.

use std::time::Duration;

use opendal::services::{Azblob, Fs, Gcs, Ghac, S3, Webdav};
use opendal::{HttpTransporter, OperationContext, Operator};
use opendal_http_transport_reqwest::ReqwestTransport;

use crate::request::remote_address::{Address, Service};

/// The layout of a remote store. Each layout has its own folder, so that versions do not disturb each other.
const LAYOUT: &str = "v1";

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(1);

/// How long the store may be silent while something is read. With a dead store, a whole app waits for this time once.
const SILENCE: Duration = Duration::from_millis(1500);

/// How long the writing of one object may take.
const WRITING: Duration = Duration::from_mins(10);

/// The variables with the login of a WebDAV server, which has no other place for it.
const USERNAME_VARIABLE: &str = "UV_LAMBDA_CDK_REMOTE_CACHE_USERNAME";
const PASSWORD_VARIABLE: &str = "UV_LAMBDA_CDK_REMOTE_CACHE_PASSWORD";
const TOKEN_VARIABLE: &str = "UV_LAMBDA_CDK_REMOTE_CACHE_TOKEN";

/// A store, for reading and for writing: their time limits differ, since a server is silent while it is written to.
#[derive(Debug, Clone)]
pub struct Operators {
    /// For reading.
    pub reading: Operator,
    /// For writing.
    pub writing: Operator,
}

/// The store of an address. Nothing is sent yet. An error is the end of a sentence.
pub fn operators(address: &Address) -> Result<Operators, String> {
    let operator = operator(address)?;
    let with_client = |builder: reqwest::ClientBuilder| -> Result<Operator, String> {
        let client = builder.connect_timeout(CONNECTING).build().map_err(|error| words(&error))?;
        let transport = HttpTransporter::new(ReqwestTransport::new(client));
        Ok(operator.clone().with_context(OperationContext::new().with_http_transport(transport)))
    };
    Ok(Operators {
        reading: with_client(reqwest::Client::builder().read_timeout(SILENCE))?,
        writing: with_client(reqwest::Client::builder().timeout(WRITING))?,
    })
}

fn operator(address: &Address) -> Result<Operator, String> {
    let root = format!("/{}/{LAYOUT}", address.prefix);
    let operator = match &address.service {
        Service::S3 { bucket, region, endpoint } => {
            let mut service = S3::default().bucket(bucket).root(&root);
            if let Some(region) = region {
                service = service.region(region);
            }
            if let Some(endpoint) = endpoint {
                service = service.endpoint(endpoint);
            }
            Operator::new(service)
        }
        Service::Google { bucket, endpoint } => {
            let mut service = Gcs::default().bucket(bucket).root(&root);
            if let Some(endpoint) = endpoint {
                service = service.endpoint(endpoint);
            }
            Operator::new(service)
        }
        Service::Azure { container, account, endpoint } => {
            let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
            let account = account.clone().or_else(|| variable("AZURE_STORAGE_ACCOUNT_NAME"));
            let mut service = Azblob::default().container(container).root(&root);
            if let Some(account) = &account {
                service = service.account_name(account);
            }
            if let Some(key) = variable("AZURE_STORAGE_ACCOUNT_KEY") {
                service = service.account_key(&key);
            }
            match (endpoint, account) {
                (Some(endpoint), _) => service = service.endpoint(endpoint),
                (None, Some(account)) => {
                    service = service.endpoint(&format!("https://{account}.blob.core.windows.net"));
                }
                (None, None) => {
                    return Err("it names no storage account: add `?account=...` to its address, or set `AZURE_STORAGE_ACCOUNT_NAME`".to_owned());
                }
            }
            Operator::new(service)
        }
        // The version tells caches of other formats apart.
        Service::GithubActions => {
            Operator::new(Ghac::default().root(&root).version(&format!("uv-lambda-cdk-{LAYOUT}")))
        }
        Service::Webdav { endpoint } => {
            let mut service = Webdav::default().endpoint(endpoint).root(&root);
            for (name, set) in [
                (USERNAME_VARIABLE, Webdav::username as fn(Webdav, &str) -> Webdav),
                (PASSWORD_VARIABLE, Webdav::password),
                (TOKEN_VARIABLE, Webdav::token),
            ] {
                if let Ok(value) = std::env::var(name)
                    && !value.is_empty()
                {
                    service = set(service, &value);
                }
            }
            Operator::new(service)
        }
        Service::Folder { path } => {
            // A share that is not mounted would be an empty folder otherwise.
            if !path.is_dir() {
                return Err(format!("there is no folder `{}`: make it, or mount the share", path.display()));
            }
            let [root, unfinished] = [LAYOUT, ".unfinished"].map(|name| path.join(name));
            Operator::new(
                Fs::default().root(&root.to_string_lossy()).atomic_write_dir(&unfinished.to_string_lossy()),
            )
        }
    };
    operator.map_err(|error| words(&error))
}

/// The longest text of an error, in characters. A server may answer with a page.
const LONGEST_WORDS: usize = 200;

/// An error as the end of a sentence: the innermost cause tells most.
pub fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    // The whole text of OpenDAL's own errors has addresses and headers.
    let text = innermost
        .downcast_ref::<opendal::Error>()
        .map_or_else(|| innermost.to_string(), |error| error.message().to_owned());
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().take(LONGEST_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use std::io;

    use opendal::ErrorKind;

    use super::*;

    #[test]
    fn an_error_is_told_without_its_context() {
        let error = opendal::Error::new(ErrorKind::Unexpected, "\n500 says the server\nand more")
            .with_context("uri", "http://store?signature=secret");
        assert_eq!(words(&error), "500 says the server");
        let caused =
            opendal::Error::new(ErrorKind::Unexpected, "send").set_source(io::Error::other("no route"));
        assert_eq!(words(&caused), "no route");
        let page = opendal::Error::new(ErrorKind::Unexpected, "x".repeat(1000));
        assert_eq!(words(&page).len(), LONGEST_WORDS);
    }
}
