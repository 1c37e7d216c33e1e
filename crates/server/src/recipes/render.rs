//! Rendering of a recipe's templates and short texts.

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior, Value, syntax::SyntaxConfig};

use super::{Options, RecipeError, quote};

/// Values that templates see.
pub(super) type Context = BTreeMap<&'static str, Value>;

/// What URIs, expressions and settings all see.
pub(super) fn context(url: Option<&str>, options: &Options) -> Context {
    BTreeMap::from([
        ("url", Value::from(url)),
        ("superuser_groups", Value::from(options.superuser_groups.clone())),
        ("managed_groups", Value::from(options.managed_groups.clone())),
        ("group_prefix", Value::from(options.group_prefix.clone())),
    ])
}

/// Tags on lines of their own leave no empty lines behind.
fn syntax() -> SyntaxConfig {
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    // Only clashing delimiters can fail, and these are the default ones.
    syntax.build().unwrap_or_default()
}

/// A template environment for one recipe.
pub(super) struct Renderer<'a> {
    /// Id of the recipe, for messages.
    recipe: &'a str,
    environment: Environment<'static>,
}

impl<'a> Renderer<'a> {
    pub(super) fn new(recipe: &'a str) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_syntax(syntax());
        environment.set_loader(|name| Ok(super::file(name)));
        quote::add_filters(&mut environment);
        Self { recipe, environment }
    }

    /// Renders a template file, named as in the recipe.
    pub(super) fn template(&self, name: &str, values: &Context) -> Result<String, RecipeError> {
        let template = self.environment.get_template(name).map_err(|error| self.fault(name, &error))?;
        template.render(values).map_err(|error| self.fault(name, &error))
    }

    /// Renders a short text from the recipe file.
    pub(super) fn text(&self, source: &str, values: &Context) -> Result<String, RecipeError> {
        self.environment.render_str(source, values).map_err(|error| self.fault(source, &error))
    }

    /// Whether an expression from the recipe file holds.
    pub(super) fn holds(&self, expression: &str, values: &Context) -> Result<bool, RecipeError> {
        let compiled =
            self.environment.compile_expression(expression).map_err(|error| self.fault(expression, &error))?;
        let value = compiled.eval(values).map_err(|error| self.fault(expression, &error))?;
        Ok(value.is_true())
    }

    /// A refused value is the caller's to change; anything else is a fault of the recipe.
    fn fault(&self, place: &str, error: &minijinja::Error) -> RecipeError {
        let mut detail = String::new();
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(current) = cause {
            let refused = current.downcast_ref::<minijinja::Error>().and_then(|error| match error.detail() {
                Some(quote::UNWRITABLE) => Some(quote::PLAIN),
                Some(quote::UNWRITABLE_DN) => Some(quote::PLAIN_DN),
                Some(quote::UNWRITABLE_HOST) => Some(quote::PLAIN_HOST),
                _ => None,
            });
            if let Some(allowed) = refused {
                return RecipeError::Unwritable { template: place.to_owned(), allowed };
            }
            detail.push_str(": ");
            detail.push_str(&current.to_string());
            cause = current.source();
        }
        RecipeError::Broken { recipe: self.recipe.to_owned(), detail: format!("{place}{detail}") }
    }
}
