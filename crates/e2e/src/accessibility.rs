//! axe-core, the usual checker of accessibility, run inside a page.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::browser::Browser;
use crate::environment;

/// Runs after axe itself, in one script: nothing is left in the page, and no policy of the page is in the way.
const RUN: &str = "
const done = arguments[arguments.length - 1];
axe.run(document, { resultTypes: ['violations'] }).then(
    result => done({ violations: result.violations, passes: result.passes.length }),
    error => done({ failed: String(error) }));";

/// Checks the page that the browser shows.
///
/// # Errors
/// When axe-core finds a violation; the text names each with the element.
pub async fn check(browser: &Browser, page: &str) -> Result<()> {
    let file = environment::required("DOORWARD_TEST_AXE")?;
    let axe = std::fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
    let result = browser.run_script(&format!("{axe}\n{RUN}"), Vec::new()).await?;
    let violations = result.get("violations").and_then(Value::as_array);
    let violations = violations.with_context(|| format!("axe-core failed on {page}: {result}"))?;
    if result.get("passes").and_then(Value::as_u64).is_none_or(|count| count == 0) {
        bail!("axe-core checked nothing on {page}");
    }
    if !violations.is_empty() {
        bail!("{page} at {}:\n{}", browser.address().await?, violations.iter().map(described).collect::<String>());
    }
    Ok(())
}

fn described(violation: &Value) -> String {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let nodes = violation.get("nodes").and_then(Value::as_array).cloned().unwrap_or_default();
    let places: String = nodes
        .iter()
        .map(|node| {
            format!("      {}\n        {}\n", text(node, "html"), text(node, "failureSummary").replace('\n', " "))
        })
        .collect();
    format!("  {}: {}\n{places}", text(violation, "id"), text(violation, "help"))
}
