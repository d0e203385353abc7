"""Opens reports in headless Chromium: no console errors, no text of a picture cut off or on top of another, no page wider
than its window, and the reader's choices work.

usage: check_report.py STRATA    exits 0: all well, 1: a fault, 77: there is no Chromium
"""
import html
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

# Runs in the page; what it finds is left in the element "probe".
PROBE = """<script>
window.addEventListener("load", () => {
  const faults = [];
  const svgs = [...document.querySelectorAll("svg.plot")].filter((s) => s.getBoundingClientRect().width > 0);
  for (const svg of svgs) {
    const name = svg.getAttribute("aria-label"), o = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].map((e) => [e.textContent, e.getBoundingClientRect()]);
    texts.forEach(([text, r], i) => {
      if (r.left < o.left - 1 || r.right > o.right + 1 || r.top < o.top - 1 || r.bottom > o.bottom + 1)
        faults.push(`${name}: cut off: ${text}`);
      for (const [other, q] of texts.slice(i + 1))
        if (r.left < q.right - 1 && q.left < r.right - 1 && r.top + 2 < q.bottom - 2 && q.top + 2 < r.bottom - 2)
          faults.push(`${name}: ${text} and ${other} overlap`);
    });
  }
  if (document.documentElement.scrollWidth > innerWidth + 1) faults.push("wider than the window");
  // Another rule and another neuron, as a reader would pick them.
  const says = () => document.getElementById("pick-says").textContent;
  const circles = () => [...document.querySelectorAll("g.pick circle")].map((c) => c.outerHTML).join();
  let picked = 0;
  if (document.getElementById("pick")) {
    for (const id of ["pick-rule", "pick-layer", "pick-neuron", "pick-scaling"]) {
      const select = document.getElementById(id);
      if (select.options.length < 2) continue;
      const before = [says(), circles()];
      select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
      select.dispatchEvent(new Event("change"));
      if (id !== "pick-scaling" && before[0] === says()) faults.push(`${id} changes nothing`);
      if (id !== "pick-rule" && before[1] === circles()) faults.push(`${id} draws nothing else`);
      ++picked;
    }
  }
  const probe = document.createElement("pre");
  probe.id = "probe";
  probe.textContent = JSON.stringify({svgs: svgs.length, picked, faults});
  document.body.appendChild(probe);
});
</script></body>"""


def strata(*arguments, folder):
    subprocess.run([sys.argv[1], *arguments], cwd=folder, check=True, capture_output=True)


def look(page, width, folder):
    """What the browser finds in the page."""
    probed = folder / "probed.html"
    probed.write_text(page.read_text().replace("</body>", PROBE))
    done = subprocess.run(
        [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", f"--user-data-dir={folder / 'profile'}",
         f"--window-size={width},900", "--virtual-time-budget=5000", "--dump-dom", probed.as_uri()],
        capture_output=True, text=True, timeout=120, check=True)
    found = json.loads(html.unescape(re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.S).group(1)))
    found["faults"] += [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return found


def main():
    if BROWSER is None:
        print("skipped: Chromium is not installed")
        return 77
    small = ["--dataset", "clusters", "--quiet", "--threads", "2"]
    faults = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        (folder / "two.ini").write_text("rules=backprop,frozen,fa,dfa,dtp\nseeds=3\nepochs=3\npermuted=2\nnetworks=plain,plain_skip\n"
                                        "[network.plain]\nhidden=16x5\n[network.plain_skip]\nhidden=16x5\nskip=1:5\n")
        strata("run", "--rule", "fa", "--hidden", "12x3", "--epochs", "1", "--out", "one", *small, folder=folder)
        strata("compare", "--config", "two.ini", "--out", "two", *small, folder=folder)
        strata("compare", "--rules", "all", "--seeds", "3", "--hidden", "8x2", "--epochs", "1", "--out", "many", *small, folder=folder)
        strata("compare", "--rules", "backprop", "--seeds", "1", "--hidden", "6x40", "--epochs", "12", "--neurons", "2", "--out", "deep",
               *small, folder=folder)
        strata("compare", "--config", "two.ini", "--rules", "backprop,fa,dtp", "--seeds", "1", "--tune", "9", "--out", "tuned", *small,
               folder=folder)
        for name, svgs, picked in (("one", 9, 3), ("tuned", 11, 4), ("two", 10, 4), ("many", 9, 4), ("deep", 8, 3)):
            strata("report", name, folder=folder)
            for width in (1100, 420):
                found = look(folder / name / "report.html", width, folder)
                if found["svgs"] != svgs or found["picked"] != picked:
                    found["faults"].append(f"{found['svgs']} pictures and {found['picked']} choices, expected {svgs} and {picked}")
                for fault in found["faults"]:
                    print(f"{name} at {width}: {fault}")
                faults += len(found["faults"])
    print(f"{faults} faults")
    return 1 if faults else 0


sys.exit(main())
