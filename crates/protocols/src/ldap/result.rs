//! How an operation ended (RFC 4511, section 4.1.9 and appendix A).

/// Result codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ResultCode {
    /// Done.
    Success = 0,
    /// The order of operations is wrong.
    OperationsError = 1,
    /// The request cannot be read or breaks the protocol.
    ProtocolError = 2,
    /// It took longer than the client or the server allows.
    TimeLimitExceeded = 3,
    /// There are more entries than the client or the server allows.
    SizeLimitExceeded = 4,
    /// The entry has no such value.
    CompareFalse = 5,
    /// The entry has the value.
    CompareTrue = 6,
    /// That way of proving who one is is not offered.
    AuthMethodNotSupported = 7,
    /// A stronger proof or an encrypted connection is required.
    StrongerAuthRequired = 8,
    /// A limit of the server was reached.
    AdminLimitExceeded = 11,
    /// A critical control is unknown.
    UnavailableCriticalExtension = 12,
    /// Only over an encrypted connection.
    ConfidentialityRequired = 13,
    /// The entry has no such attribute.
    NoSuchAttribute = 16,
    /// There is no such attribute type.
    UndefinedAttributeType = 17,
    /// The attribute cannot be compared that way.
    InappropriateMatching = 18,
    /// The value breaks a rule.
    ConstraintViolation = 19,
    /// The value does not fit the syntax.
    InvalidAttributeSyntax = 21,
    /// There is no such entry.
    NoSuchObject = 32,
    /// It is no DN.
    InvalidDnSyntax = 34,
    /// A proof is required or does not fit the account.
    InappropriateAuthentication = 48,
    /// Wrong name or password.
    InvalidCredentials = 49,
    /// Not allowed.
    InsufficientAccessRights = 50,
    /// Too much to do; try again.
    Busy = 51,
    /// Shutting down, or something behind it is down.
    Unavailable = 52,
    /// Refused.
    UnwillingToPerform = 53,
    /// Anything else.
    Other = 80,
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LdapResult<'a> {
    /// Code.
    pub code: ResultCode,
    /// With `noSuchObject`: the nearest entry above that exists.
    pub matched_dn: &'a str,
    /// What happened, for people.
    pub message: &'a str,
}

impl ResultCode {
    /// The number that goes over the wire.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl<'a> LdapResult<'a> {
    /// A result without a matched DN.
    pub fn new(code: ResultCode, message: &'a str) -> Self {
        Self { code, matched_dn: "", message }
    }

    /// `success` without a word.
    pub fn success() -> Self {
        Self::new(ResultCode::Success, "")
    }
}
