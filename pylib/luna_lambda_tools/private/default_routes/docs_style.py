"""The look of the page of documentation: one column beside a list of routes, one below it on narrow screens."""

STYLE = """\
:root {
  color-scheme: light dark;
  --ground: #fff; --panel: #f6f7f9; --line: #dfe3e8; --ink: #1c2430; --faint: #5d6978; --accent: #1257b8;
  --get: #1a6fb5; --post: #1b7f4b; --put: #a05a00; --delete: #b3261e; --other: #5d6978;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14181e; --panel: #1c222a; --line: #313a45; --ink: #e4e8ed; --faint: #9aa6b4; --accent: #7db4ff;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif;
  display: grid; grid-template-columns: minmax(15rem, 20rem) minmax(0, 1fr);
}
code, pre, .method, .media {
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .875em;
}
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
nav {
  position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.25rem 1rem 2rem;
  background: var(--panel); border-right: 1px solid var(--line);
}
nav h2, section > h2 {
  margin: 1.25rem 0 .4rem; color: var(--faint); font-size: .75rem; font-weight: 650;
  letter-spacing: .06em; text-transform: uppercase;
}
nav h2:first-child { margin-top: 0; }
nav ul { margin: 0; padding: 0; list-style: none; }
nav a {
  display: flex; gap: .5rem; align-items: baseline; padding: .25rem .4rem; border-radius: .35rem;
  color: inherit; font-size: .85rem; overflow-wrap: anywhere;
}
nav a:hover { background: var(--line); text-decoration: none; }
main { width: 100%; max-width: 62rem; padding: 2rem clamp(1rem, 4vw, 3rem) 4rem; }
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; overflow-wrap: anywhere; }
.version { color: var(--faint); font-size: 1rem; font-weight: 400; }
.meta { margin: .3rem 0 .8rem; color: var(--faint); font-size: .85rem; overflow-wrap: anywhere; }
section > h2 { margin: 2.5rem 0 0; font-size: .85rem; }
.lead { margin: 0 0 .9rem; color: var(--faint); }
article {
  margin: 0 0 1.1rem; padding: 1rem 1.2rem 1.1rem; border: 1px solid var(--line); border-radius: .6rem;
  scroll-margin-top: 1rem;
}
article:target { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); }
h3 {
  display: flex; gap: .7rem; align-items: baseline; margin: 0; font-size: 1.1rem; font-weight: 600;
  overflow-wrap: anywhere;
}
h3 code { font-size: 1em; }
h4 { margin: 1.1rem 0 .35rem; font-size: .85rem; }
p { margin: .5rem 0; overflow-wrap: anywhere; }
pre { margin: .6rem 0; padding: .6rem .8rem; overflow-x: auto; border-radius: .4rem; background: var(--panel); }
.method {
  flex: none; min-width: 4.2em; padding: .1em .45em; border-radius: .3rem; background: var(--other); color: #fff;
  font-size: .72rem; font-weight: 700; text-align: center;
}
.get { background: var(--get); } .post { background: var(--post); } .delete { background: var(--delete); }
.put, .patch { background: var(--put); }
.parameter { color: var(--accent); }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
th { color: var(--faint); font-weight: 500; text-align: left; }
th, td { padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child td { border-bottom: 0; }
td { overflow-wrap: anywhere; }
td.word { white-space: nowrap; }
td:first-child code { white-space: nowrap; }
.required { color: var(--delete); font-size: .75rem; }
.status { font-weight: 700; }
.s2 { color: var(--post); } .s4, .s5 { color: var(--delete); } .s3 { color: var(--put); }
.media { color: var(--faint); }
@media (prefers-color-scheme: dark) {
  .required, .s4, .s5 { color: #ff8a80; } .s2 { color: #6fd39b; } .s3 { color: #e0a75a; }
}
@media (max-width: 52rem) {
  body { grid-template-columns: minmax(0, 1fr); }
  nav { position: static; height: auto; border-right: 0; border-bottom: 1px solid var(--line); }
}
@media print {
  nav { display: none; } body { display: block; } article { break-inside: avoid; }
}
"""
