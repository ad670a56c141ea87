//! Where Lambda unpacks a bundle.

/// The use of a bundle in Lambda.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BundleKind {
    /// The code of a function.
    Function,
    /// A layer.
    Layer,
}

impl BundleKind {
    /// The folder in which Lambda has the packages. It is compiled into the bytecode as each module's path, so that Python has nothing
    /// to correct on import.
    pub const fn root(self) -> &'static str {
        match self {
            Self::Function => "/var/task",
            Self::Layer => "/opt/python",
        }
    }

    /// The folder of the zip that becomes [`root`](Self::root), with its slash.
    ///
    /// Source: <https://docs.aws.amazon.com/lambda/latest/dg/python-layers.html>.
    pub const fn folder_in_zip(self) -> &'static str {
        match self {
            Self::Function => "",
            Self::Layer => "python/",
        }
    }
}
