// Opens reports of bundles in Chromium and holds them to what their readers need: no error, no request, every
// plot drawn, no text over another or outside its drawing, nothing wider than the window.
//
// Usage: node report.mjs REPORT.html... [--screenshots FOLDER]. It needs `chromium` (or CHROMIUM with its path).

import { chromium } from "playwright-core";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { pathToFileURL } from "node:url";

const WIDTHS = [360, 1280];

/** The browser of the system; a missing one is a failure, not a reason to go on without. */
function browserPath() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    try {
      return execFileSync("which", [name], { encoding: "utf8" }).trim();
    } catch {
      // The next name is tried.
    }
  }
  throw new Error("no chromium on this machine\n\nhint: cargo xtask setup installs it");
}

/** Runs inside the page: every fault that a reader would see, in words. */
function faultsOfPage() {
  const faults = [];
  const slack = 1;
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth + slack) {
    faults.push(`the page is ${root.scrollWidth} wide in a window of ${root.clientWidth}`);
  }
  const drawings = [...document.querySelectorAll("svg")];
  for (const [index, svg] of drawings.entries()) {
    const name = svg.querySelector("title")?.textContent || `drawing ${index}`;
    const frame = svg.getBoundingClientRect();
    if (frame.width < 10 || frame.height < 10) faults.push(`${name}: has no size`);
    if (!svg.querySelector("desc")?.textContent) faults.push(`${name}: has no description`);
    const texts = [...svg.querySelectorAll("text")].map((text) => ({
      words: text.lastChild?.textContent ?? "",
      box: text.getBoundingClientRect(),
      size: parseFloat(getComputedStyle(text).fontSize) * (frame.width / svg.viewBox.baseVal.width),
    }));
    for (const { words, box, size } of texts) {
      if (/\b(NaN|inf)\b/.test(words)) faults.push(`${name}: says ${words}`);
      const inside =
        box.left >= frame.left - slack && box.right <= frame.right + slack &&
        box.top >= frame.top - slack && box.bottom <= frame.bottom + slack;
      if (!inside) faults.push(`${name}: "${words}" leaves the drawing`);
      if (size < 9) faults.push(`${name}: "${words}" is ${size.toFixed(1)} pixels high`);
    }
    for (let one = 0; one < texts.length; one += 1) {
      for (let other = one + 1; other < texts.length; other += 1) {
        const [a, b] = [texts[one].box, texts[other].box];
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        // Boxes of lines of text reach over their letters.
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (wide > slack && high > 0.35 * Math.min(a.height, b.height)) {
          faults.push(`${name}: "${texts[one].words}" lies over "${texts[other].words}"`);
        }
      }
    }
    for (const shape of svg.querySelectorAll("rect, path, circle, polygon")) {
      const box = shape.getBoundingClientRect();
      if (!(box.left >= frame.left - 2 && box.right <= frame.right + 2 && box.top >= frame.top - 2 && box.bottom <= frame.bottom + 2)) {
        faults.push(`${name}: a ${shape.tagName} leaves the drawing`);
      }
    }
  }
  for (const block of document.querySelectorAll("p, li, h1, h2, h3, dt, dd, figcaption, summary")) {
    const box = block.getBoundingClientRect();
    if (block.checkVisibility() && box.right > root.clientWidth + slack) {
      faults.push(`"${block.textContent.slice(0, 40)}" leaves the window`);
    }
  }
  if (drawings.length === 0) faults.push("no drawing at all");
  if (document.querySelectorAll("script").length > 0) faults.push("the page holds a script");
  if (document.documentElement.lang !== "en") faults.push("the page does not say its language");
  return faults;
}

/** Contrast of text with the page, by the formula of WCAG 2.2; runs inside the page. */
function contrastFaults() {
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/[\d.]+/g).slice(0, 3).map((part) => {
      const share = Number(part) / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = luminance(getComputedStyle(document.body).backgroundColor);
  const faults = new Set();
  const check = (words, colour, least) => {
    const ink = luminance(colour);
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (ratio < least) faults.add(`${words} has a contrast of ${ratio.toFixed(1)}, under ${least}`);
  };
  for (const element of document.querySelectorAll("p, li, a, dt, dd, summary, caption, td")) {
    check(`text of <${element.tagName.toLowerCase()} class="${element.className}">`, getComputedStyle(element).color, 4.5);
  }
  for (const element of document.querySelectorAll("svg text")) check("a label", getComputedStyle(element).fill, 4.5);
  for (const element of document.querySelectorAll("svg rect.a, svg rect.b, svg circle")) check("a bar", getComputedStyle(element).fill, 3);
  for (const element of document.querySelectorAll("svg .line")) check("a line", getComputedStyle(element).stroke, 3);
  return [...faults];
}

async function check(browser, file, scheme, width, screenshots) {
  const faults = [];
  // JavaScript of the page is off, as its readers may have it; what runs here comes from outside.
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme });
  const page = await context.newPage();
  page.on("console", (message) => faults.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("request", (request) => {
    const url = request.url();
    if (url !== pathToFileURL(file).href && !url.startsWith("data:")) faults.push(`requests ${url}`);
  });
  await page.goto(pathToFileURL(file).href);
  faults.push(...(await page.evaluate(faultsOfPage)), ...(await page.evaluate(contrastFaults)));
  if (screenshots) {
    const name = `${path.basename(path.dirname(file))}-${width}-${scheme}`;
    await page.screenshot({ path: path.join(screenshots, `${name}.png`), fullPage: true });
    if (width > 1000 && scheme === "light") await page.pdf({ path: path.join(screenshots, `${name}.pdf`), format: "A4", preferCSSPageSize: true });
  }
  await context.close();
  return faults;
}

const parameters = process.argv.slice(2);
const at = parameters.indexOf("--screenshots");
const [, screenshots] = at < 0 ? [] : parameters.splice(at, 2);
if (parameters.length === 0) throw new Error("usage: node report.mjs REPORT.html... [--screenshots FOLDER]");
const browser = await chromium.launch({ executablePath: browserPath(), args: ["--no-sandbox"] });
let failed = 0;
let passed = 0;
for (const file of parameters) {
  for (const width of WIDTHS) {
    for (const scheme of ["light", "dark"]) {
      const faults = await check(browser, path.resolve(file), scheme, width, screenshots);
      faults.length > 0 ? (failed += 1) : (passed += 1);
      for (const fault of [...new Set(faults)]) console.error(`${file} at ${width}, ${scheme}: ${fault}`);
    }
  }
}
await browser.close();
console.log(`test result: ${failed ? "FAILED" : "ok"}. ${passed} passed; ${failed} failed; 0 ignored`);
process.exitCode = failed ? 1 : 0;
