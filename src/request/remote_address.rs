//! Addresses of remote stores: which service, which place in it. An address has no credentials: each service looks for those in its
//! own way.

use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use crate::secrets::percent_decoded;

/// The address of a remote store, checked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The service and the place in it.
    pub service: Service,
    /// The folder of the objects within that place, without a slash at either end; may be empty.
    pub prefix: String,
    text: String,
}

/// A service that stores objects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Amazon S3, or another service with its interface.
    S3 {
        /// The bucket.
        bucket: String,
        /// The region; `None` if `AWS_REGION` or the profile has it.
        region: Option<String>,
        /// The address of another service than Amazon's.
        endpoint: Option<String>,
    },
    /// Google Cloud Storage.
    Google {
        /// The bucket.
        bucket: String,
        /// The address of another service than Google's.
        endpoint: Option<String>,
    },
    /// Azure Blob Storage.
    Azure {
        /// The container.
        container: String,
        /// The storage account; `None` if a variable has it.
        account: Option<String>,
        /// The address of another service than Azure's.
        endpoint: Option<String>,
    },
    /// The cache of GitHub Actions, which only a job of it can reach.
    GithubActions,
    /// A WebDAV server.
    Webdav {
        /// The address of the server, with `http` or `https`.
        endpoint: String,
    },
    /// A folder, which several machines share.
    Folder {
        /// The folder.
        path: PathBuf,
    },
}

/// The forms of an address, for messages.
pub const FORMS: &str = "`s3://bucket/prefix?region=...&endpoint=...`, `gs://bucket/prefix`, `azblob://container/prefix?account=...`, `ghac://`, `webdav+https://host/folder` or `file:///folder`";

impl Address {
    /// Reads an address. The error says what is wrong with it, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|_| format!("it is none of the forms {FORMS}"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "an address has no credentials, because it is shown in messages: leave them to the environment, the profile or the role of the service".to_owned(),
            );
        }
        if url.fragment().is_some() {
            return Err("an address has no `#`".to_owned());
        }
        let mut parameters = Parameters::of(&url)?;
        let prefix = percent_decoded(url.path()).trim_matches('/').to_owned();
        let place = |what: &str| {
            let host = url.host_str().filter(|host| !host.is_empty());
            host.map(str::to_owned).ok_or_else(|| format!("it names no {what}"))
        };
        let service = match url.scheme() {
            "s3" => Service::S3 {
                bucket: place("bucket")?,
                region: parameters.take("region"),
                endpoint: parameters.take_endpoint()?,
            },
            "gs" => Service::Google { bucket: place("bucket")?, endpoint: parameters.take_endpoint()? },
            "azblob" => Service::Azure {
                container: place("container")?,
                account: parameters.take("account"),
                endpoint: parameters.take_endpoint()?,
            },
            "ghac" => Service::GithubActions,
            "webdav+http" | "webdav+https" => {
                let scheme = url.scheme().trim_start_matches("webdav+");
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                Service::Webdav { endpoint: format!("{scheme}://{}{port}", place("host")?) }
            }
            // Without the slashes, a relative path would become one of the root.
            "file" if text.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("file://")) => {
                let path = url.to_file_path().map_err(|()| "it is no path of this machine".to_owned())?;
                parameters.refuse_others()?;
                return Ok(Self {
                    service: Service::Folder { path },
                    prefix: String::new(),
                    text: text.to_owned(),
                });
            }
            _ => return Err(format!("it is none of the forms {FORMS}")),
        };
        parameters.refuse_others()?;
        Ok(Self { service, prefix, text: text.to_owned() })
    }

    /// The address of a folder.
    pub fn of_folder(path: &Path) -> Option<Self> {
        Self::parse(Url::from_file_path(path).ok()?.as_str()).ok()
    }
}

/// As the caller wrote it.
impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// The parameters of an address that were not yet read.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn of(url: &Url) -> Result<Self, String> {
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        match pairs.iter().find(|(_, value)| value.is_empty()) {
            Some((name, _)) => Err(format!("its parameter `{name}` is empty")),
            None => Ok(Self(pairs)),
        }
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let place = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(place).1)
    }

    /// The parameter `endpoint`. It may not have credentials either.
    fn take_endpoint(&mut self) -> Result<Option<String>, String> {
        let Some(endpoint) = self.take("endpoint") else { return Ok(None) };
        match Url::parse(&endpoint) {
            // An `@` in an endpoint that cannot be read may follow a password too.
            _ if endpoint.contains('@') => {
                Err("its parameter `endpoint` has credentials: leave them to the environment".to_owned())
            }
            Ok(url) if ["http", "https"].contains(&url.scheme()) && url.has_host() => Ok(Some(endpoint)),
            _ => Err(format!("its parameter `endpoint` is `{endpoint}`: write it as `https://host`")),
        }
    }

    fn refuse_others(self) -> Result<(), String> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(format!("it has no parameter `{name}`; the forms are {FORMS}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn each_service_has_its_form() {
        let s3 = parse("s3://team/uv/cache?region=eu-west-1&endpoint=http%3A%2F%2F127.0.0.1%3A9000");
        assert_eq!(
            (s3.service, s3.prefix.as_str()),
            (
                Service::S3 {
                    bucket: "team".to_owned(),
                    region: Some("eu-west-1".to_owned()),
                    endpoint: Some("http://127.0.0.1:9000".to_owned())
                },
                "uv/cache"
            )
        );
        assert_eq!(
            parse("webdav+http://server:8080/a%20b/").service,
            Service::Webdav { endpoint: "http://server:8080".to_owned() }
        );
        assert_eq!(parse("webdav+http://server:8080/a%20b/").prefix, "a b");
        assert_eq!(parse("ghac://").service, Service::GithubActions);
        assert_eq!(
            parse("azblob://box?account=mine").service,
            Service::Azure { container: "box".to_owned(), account: Some("mine".to_owned()), endpoint: None }
        );
        assert_eq!(parse("gs://box").service, Service::Google { bucket: "box".to_owned(), endpoint: None });
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_may_have_any_name() {
        let path = Path::new("/mnt/a b/ü#?");
        assert_eq!(Address::of_folder(path).unwrap().service, Service::Folder { path: path.to_path_buf() });
    }

    #[test]
    fn credentials_and_unknown_parameters_are_refused() {
        for (text, problem) in [
            ("s3://key:secret@bucket", "has no credentials"),
            ("s3://bucket?endpoint=https://a:b@host", "has credentials"),
            ("s3://bucket?secret_access_key=x", "no parameter `secret_access_key`"),
            ("s3://", "names no bucket"),
            ("s3://bucket?region=", "`region` is empty"),
            ("s3://bucket?endpoint=host:9000", "write it as"),
            ("s3://bucket?endpoint=a:b@host", "has credentials"),
            ("redis://host", "none of the forms"),
            ("file:folder", "none of the forms"),
            ("file:a", "none of the forms"),
            ("bucket", "none of the forms"),
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }
}
