//! A real browser: Chromium without a window, one per test.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::prelude::{By, DesiredCapabilities, WebDriver};
use thirtyfour::{ChromiumLikeCapabilities, WebElement, WindowHandle};

use crate::process::Server;
use crate::{environment, ports, wait};

/// How long a page may take: the machine may be busy with another NetBox.
const PATIENCE: Duration = Duration::from_secs(40);

/// Nothing may be fetched from outside, and root cannot have Chromium's sandbox.
const FLAGS: [&str; 11] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--window-size=1280,900",
];

/// A browser with an empty profile.
#[derive(Debug)]
pub struct Browser {
    driver: WebDriver,
    port: u16,
    _server: Server,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser.
    ///
    /// # Errors
    /// When there is no Chromium, or it does not start.
    pub async fn start() -> Result<Self> {
        environment::choose_crypto();
        let profile = TempDir::with_prefix("doorward-browser-")?;
        let port = ports::free()?;
        let mut command = Command::new(environment::program(&["chromedriver"])?);
        command.arg(format!("--port={port}"));
        let mut server = Server::start("chromedriver", &mut command, profile.path())?;
        let address = format!("http://127.0.0.1:{port}");
        server.answers(&format!("{address}/status"), PATIENCE).await?;
        let mut capabilities = DesiredCapabilities::chrome();
        capabilities.set_binary(&environment::program(&["chromium", "chromium-browser", "google-chrome"])?)?;
        for flag in FLAGS {
            capabilities.add_arg(flag)?;
        }
        capabilities.add_arg(&format!("--user-data-dir={}", profile.path().join("profile").display()))?;
        let driver = WebDriver::new(address, capabilities).await.context("Chromium does not start")?;
        driver.set_script_timeout(PATIENCE).await?;
        Ok(Self { driver, port, _server: server, _profile: profile })
    }

    /// Goes to an address.
    ///
    /// # Errors
    /// When the browser cannot.
    pub async fn open(&self, url: &str) -> Result<()> {
        self.driver.goto(url).await.with_context(|| format!("cannot open {url}"))
    }

    /// Opens another tab and shows it; gives the one that was shown.
    ///
    /// # Errors
    /// When the browser cannot.
    pub async fn open_tab(&self) -> Result<WindowHandle> {
        let shown = self.driver.window().await?;
        let tab = self.driver.new_tab().await?;
        self.driver.switch_to_window(tab).await?;
        Ok(shown)
    }

    /// Shows a tab again, as it was left.
    ///
    /// # Errors
    /// When it has been closed.
    pub async fn show_tab(&self, tab: WindowHandle) -> Result<()> {
        Ok(self.driver.switch_to_window(tab).await?)
    }

    /// The address of the page that is shown.
    ///
    /// # Errors
    /// When the browser has gone.
    pub async fn address(&self) -> Result<String> {
        Ok(self.driver.current_url().await?.to_string())
    }

    /// What a person reads on the page.
    ///
    /// # Errors
    /// When there is no page.
    pub async fn text(&self) -> Result<String> {
        Ok(self.driver.find(By::Tag("body")).await?.text().await?)
    }

    /// The page as HTML, hidden parts included.
    ///
    /// # Errors
    /// When there is no page.
    pub async fn source(&self) -> Result<String> {
        Ok(self.driver.source().await?)
    }

    /// Whether an element that this CSS selector describes is on the page now.
    ///
    /// # Errors
    /// When the browser has gone.
    pub async fn has(&self, selector: &str) -> Result<bool> {
        Ok(!self.driver.find_all(By::Css(selector)).await?.is_empty())
    }

    /// Waits for an element that is shown.
    ///
    /// # Errors
    /// When it does not come; the text says what the page shows instead.
    pub async fn element(&self, selector: &str) -> Result<WebElement> {
        let shown = wait::until(selector, PATIENCE, async || {
            let Some(element) = self.driver.find_all(By::Css(selector)).await?.into_iter().next() else {
                return Ok(None);
            };
            // An error here means that the page changed in between.
            Ok(element.is_displayed().await.unwrap_or(false).then_some(element))
        });
        match shown.await {
            Ok(element) => Ok(element),
            Err(error) => Err(error.context(self.whereabouts().await)),
        }
    }

    /// Presses a button or a link.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn press(&self, selector: &str) -> Result<()> {
        Ok(self.element(selector).await?.click().await?)
    }

    /// Types into a field, instead of what was in it.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn fill(&self, selector: &str, text: &str) -> Result<()> {
        let field = self.element(selector).await?;
        if field.attr("readonly").await?.is_none() {
            field.clear().await?;
            field.send_keys(text).await?;
        }
        Ok(())
    }

    /// Waits until the page's address begins like this.
    ///
    /// # Errors
    /// When it does not; the text says where the browser is instead.
    pub async fn arrives_at(&self, beginning: &str) -> Result<()> {
        let arrived =
            wait::until(beginning, PATIENCE, async || Ok(self.address().await?.starts_with(beginning).then_some(())));
        match arrived.await {
            Ok(()) => Ok(()),
            Err(error) => Err(error.context(self.whereabouts().await)),
        }
    }

    /// Waits for one of these elements; gives the selector of the one that came.
    ///
    /// # Errors
    /// When none comes.
    pub async fn one_of<'a>(&self, selectors: &[&'a str]) -> Result<&'a str> {
        let wanted = format!("one of {selectors:?}");
        let came = wait::until(&wanted, PATIENCE, async || {
            for selector in selectors {
                if self.has(selector).await? {
                    return Ok(Some(*selector));
                }
            }
            Ok(None)
        });
        match came.await {
            Ok(selector) => Ok(selector),
            Err(error) => Err(error.context(self.whereabouts().await)),
        }
    }

    /// Fills Doorward's sign-in form and sends it.
    ///
    /// # Errors
    /// When the form is not there.
    pub async fn sign_in(&self, username: &str, password: &str) -> Result<()> {
        // First: the page before it, NetBox's own login page, has fields of the same names.
        self.element("#sign-in").await?;
        self.fill("input[name=username]", username).await?;
        self.element("input[name=password]").await?.send_keys(password).await?;
        self.press("#sign-in").await
    }

    /// Waits until no such element is on the page.
    ///
    /// # Errors
    /// When it stays.
    pub async fn gone(&self, selector: &str) -> Result<()> {
        let wanted = format!("{selector} to go");
        let left = wait::until(&wanted, PATIENCE, async || Ok((!self.has(selector).await?).then_some(())));
        match left.await {
            Ok(()) => Ok(()),
            Err(error) => Err(error.context(self.whereabouts().await)),
        }
    }

    /// Forgets all cookies: to every server, the browser is a new one.
    ///
    /// # Errors
    /// When the browser has gone.
    pub async fn forget_everything(&self) -> Result<()> {
        Ok(self.driver.delete_all_cookies().await?)
    }

    /// Forgets one cookie: cookies of two servers on one address do not depend on the port.
    ///
    /// # Errors
    /// When the browser has gone.
    pub async fn forget_cookie(&self, name: &str) -> Result<()> {
        Ok(self.driver.delete_cookie(name).await?)
    }

    /// Runs a script in the page and waits for the value it hands to its last argument.
    ///
    /// # Errors
    /// When the script fails or never calls back.
    pub async fn run_script(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        Ok(self.driver.execute_async(script, arguments).await?.json().clone())
    }

    /// Makes pages see that the person prefers `light` or `dark`.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn prefer_colours(&self, scheme: &str) -> Result<()> {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.driver.cdp().send_raw("Emulation.setEmulatedMedia", features).await?;
        Ok(())
    }

    /// Where the browser is and what it shows, for the message of a test that failed.
    async fn whereabouts(&self) -> String {
        let address = self.address().await.unwrap_or_default();
        format!("the browser is at {address} and shows:\n{}", self.text().await.unwrap_or_default())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium outlives a chromedriver that is merely stopped. This request ends both, and unlike the
        // driver's own `quit` it can be made here, where a failed test passes by as well.
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
            let _ = stream.write_all(b"GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
            let _ = stream.read_to_end(&mut Vec::new());
        }
        // The session is gone: nothing is left for the driver's own clean-up.
        let _ = self.driver.clone().leak();
    }
}
