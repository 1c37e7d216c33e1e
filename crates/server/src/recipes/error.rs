//! What can be wrong with what a recipe is asked for. Every text names what is allowed instead.

/// Why a recipe gives no plan or no settings.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RecipeError {
    /// No recipe has this id.
    #[error("there is no recipe `{given}`; there are: {known}")]
    UnknownRecipe {
        /// What was asked for.
        given: String,
        /// Ids of all recipes.
        known: String,
    },
    /// The application's address cannot be used.
    #[error("`{given}` cannot be the application's address: {why}; give it like https://netbox.example.org")]
    BadUrl {
        /// The address.
        given: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The address is missing.
    #[error("say where {name} is, for instance https://{recipe}.example.org")]
    NoUrl {
        /// Name of the application.
        name: String,
        /// Id of the recipe.
        recipe: String,
    },
    /// A protocol that the recipe has no settings for.
    #[error("the recipe `{recipe}` does not know the method `{given}`; it knows: {known}")]
    UnknownMethod {
        /// Id of the recipe.
        recipe: String,
        /// Method asked for.
        given: &'static str,
        /// Methods it has.
        known: String,
    },
    /// Not the address of an LDAP server.
    #[error(
        "`{given}` is not the address of an LDAP server; write it like ldaps://id.example.org:6636 or ldap://127.0.0.1:3389"
    )]
    BadLdapUri {
        /// What was given.
        given: String,
    },
    /// A parameter that this recipe does not have.
    #[error("the recipe `{recipe}` takes no `{parameter}`; it takes: {allowed}")]
    UnknownParameter {
        /// Id of the recipe.
        recipe: String,
        /// Name of the parameter.
        parameter: &'static str,
        /// Parameters it has.
        allowed: String,
    },
    /// A group name that no group can have.
    #[error("`{given}` cannot be a group's name: {why}")]
    BadGroup {
        /// The name, with control characters escaped.
        given: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The empty prefix, which every name begins with.
    #[error(
        "an empty prefix would manage every group, also those assigned by hand; give a prefix such as `netbox-`, or a list of groups"
    )]
    EmptyPrefix,
    /// No such style.
    #[error("there is no style `{given}`; there are: file, docker, helm")]
    UnknownStyle {
        /// What was asked for.
        given: String,
    },
    /// No such web proxy.
    #[error("`{given}` is no web proxy whose configuration is known; there are: nginx, traefik, caddy")]
    UnknownWebProxy {
        /// What was asked for.
        given: String,
    },
    /// A header's name with too many spellings.
    #[error("the header `{given}` has more than five hyphens; choose a shorter name")]
    TooManyHyphens {
        /// The name.
        given: String,
    },
    /// Not where an application listens.
    #[error("`{given}` is not where the application listens behind the proxy; write it like http://127.0.0.1:8001")]
    BadUpstream {
        /// What was given.
        given: String,
    },
    /// An address with a path, where cookies and proxies know hosts only.
    #[error("behind a proxy the application needs a host of its own; give an address without a path, like {example}")]
    PathBehindProxy {
        /// The address without its path.
        example: String,
    },
    /// A parameter that the recipe does not have for this method.
    #[error("the recipe `{recipe}` takes no `{parameter}` with the method {method}")]
    NotForMethod {
        /// Id of the recipe.
        recipe: String,
        /// Name of the parameter.
        parameter: &'static str,
        /// The method.
        method: &'static str,
    },
    /// The recipe has no settings in this style, or not for this version.
    #[error("{name} {version} has no settings in style `{style}`; there are: {offered}")]
    StyleNotOffered {
        /// Name of the application.
        name: String,
        /// Version asked for.
        version: String,
        /// Style asked for.
        style: &'static str,
        /// Styles there are, with the versions they begin with.
        offered: String,
    },
    /// Not a version number.
    #[error("`{given}` is not a version; write it like 4.7 or 4.7.3")]
    BadVersion {
        /// What was given.
        given: String,
    },
    /// A version that the recipe does not reach back to.
    #[error("{name} {given} is too old: the recipe knows {name} {oldest} and later")]
    VersionTooOld {
        /// Name of the application.
        name: String,
        /// Version asked for.
        given: String,
        /// Oldest version with settings.
        oldest: String,
    },
    /// An address of Doorward itself that cannot be written into settings.
    #[error(
        "`{given}` is not a usable {what}: an http or https address without spaces, quotes, braces or control characters is needed"
    )]
    BadAddress {
        /// Which address.
        what: &'static str,
        /// What was given.
        given: String,
    },
    /// Stored options that are not those of a recipe.
    #[error("the recipe options kept with the application cannot be read: {detail}")]
    BadOptions {
        /// Message of the JSON reader.
        detail: String,
    },
    /// A value with characters that the settings' format has no safe way to write. Does not repeat the value, which may be a secret.
    #[error(
        "{template}: a value holds characters that cannot be written safely in this format; allowed are letters, digits, spaces and {allowed}"
    )]
    Unwritable {
        /// File being rendered.
        template: String,
        /// Characters allowed beside letters and digits.
        allowed: &'static str,
    },
    /// The recipe's own file or template is faulty.
    #[error("the recipe `{recipe}` is faulty: {detail}")]
    Broken {
        /// Id of the recipe.
        recipe: String,
        /// What is wrong.
        detail: String,
    },
}
