// Sorts and filters the orders of the page. What is shown stands behind the # of the address, so that a link of the totals,
// a bookmark and the buttons all work the same way: #verdict=missing&sort=amount&dir=descending
(function () {
  "use strict";
  var table = document.getElementById("orders");
  if (!table) { return; }
  var body = table.tBodies[0];
  var rows = Array.prototype.slice.call(body.rows);
  var texts = rows.map(function (row) { return row.textContent.toLowerCase(); });
  var place = new Map(rows.map(function (row, number) { return [row, number]; }));
  var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
  var left = document.getElementById("left");
  var controls = { q: document.getElementById("filter-q"), verdict: document.getElementById("filter-verdict"),
    action: document.getElementById("filter-action"), state: document.getElementById("filter-state") };
  // Reason and age have no control of their own; a link of the totals sets them.
  var exact = ["verdict", "action", "state", "reason", "age"];
  var numbers = ["rank", "amount", "doku", "difference", "hours"];
  var known = exact.concat(["q", "sort", "dir"]);
  var view = {};

  function read() {
    view = {};
    location.hash.slice(1).split("&").forEach(function (part) {
      var at = part.indexOf("=");
      var key = part.slice(0, at);
      if (at < 1 || known.indexOf(key) < 0) { return; }
      try { view[key] = decodeURIComponent(part.slice(at + 1)); } catch (broken) { /* not an address of ours */ }
    });
  }

  function write() {
    var parts = known.filter(function (key) { return view[key]; })
      .map(function (key) { return key + "=" + encodeURIComponent(view[key]); });
    // Some viewers of attachments have no address to change.
    try { history.replaceState(null, "", "#" + (parts.join("&") || "breaks")); } catch (refused) { /* the view is the same */ }
    show();
  }

  function value(row, key) {
    if (key === "state" || key === "action") { return row.dataset[key]; }
    var cell = row.querySelector('[data-column="' + key + '"]');
    return cell ? cell.textContent.trim() : "";
  }

  function compare(key) {
    if (numbers.indexOf(key) >= 0) {
      return function (one, other) {
        var a = one.dataset[key], b = other.dataset[key];
        if (a === undefined || b === undefined) { return (a === undefined) - (b === undefined); }
        // Differences may exceed what a number holds exactly; equal ones keep their order.
        return Number(a) - Number(b);
      };
    }
    return function (one, other) {
      return value(one, key).localeCompare(value(other, key), document.documentElement.lang, { numeric: true });
    };
  }

  function show() {
    var sorts = heads.some(function (head) { return head.dataset.sort === view.sort; });
    var key = sorts ? view.sort : "rank";
    var sign = view.dir === "descending" ? -1 : 1;
    var by = compare(key);
    var order = rows.slice().sort(function (one, other) { return sign * by(one, other) || place.get(one) - place.get(other); });
    var query = (view.q || "").toLowerCase();
    var count = 0;
    var all = document.createDocumentFragment();
    order.forEach(function (row) {
      var fits = exact.every(function (name) { return !view[name] || row.dataset[name] === view[name]; });
      fits = fits && (!query || texts[place.get(row)].indexOf(query) >= 0);
      row.hidden = !fits;
      count += fits ? 1 : 0;
      all.appendChild(row);
    });
    body.appendChild(all);
    heads.forEach(function (head) {
      if (head.dataset.sort !== key) { head.removeAttribute("aria-sort"); return; }
      head.setAttribute("aria-sort", sign < 0 ? "descending" : "ascending");
    });
    Object.keys(controls).forEach(function (name) {
      if (controls[name].value !== (view[name] || "")) { controls[name].value = view[name] || ""; }
    });
    var digits = String(count).replace(/\B(?=(\d{3})+$)/g, left.dataset.group);
    left.textContent = left.dataset.text.replace("{}", digits);
    left.dataset.count = count;
  }

  heads.forEach(function (head) {
    var button = document.createElement("button");
    button.type = "button";
    while (head.firstChild) { button.appendChild(head.firstChild); }
    head.appendChild(button);
    button.addEventListener("click", function () {
      var key = head.dataset.sort;
      var again = head.getAttribute("aria-sort");
      // Of sums and ages the largest are looked for first.
      var first = numbers.indexOf(key) > 0 ? "descending" : "ascending";
      view.dir = again ? (again === "ascending" ? "descending" : "ascending") : first;
      view.sort = key;
      write();
    });
  });
  Object.keys(controls).forEach(function (name) {
    controls[name].addEventListener("input", function () { view[name] = controls[name].value; write(); });
  });
  document.getElementById("reset").addEventListener("click", function () { view = {}; write(); });
  window.addEventListener("hashchange", function () {
    read();
    show();
    if (exact.some(function (name) { return view[name]; })) { document.getElementById("breaks").scrollIntoView(); }
  });
  document.getElementById("controls").hidden = false;
  read();
  show();
  if (exact.some(function (name) { return view[name]; })) { document.getElementById("breaks").scrollIntoView(); }
})();
