/*
 * page.js - renews a page once a second, marks what changed, stops it, and explains.
 *
 * A page that was opened from a file may not fetch anything. But it may have a frame with another
 * copy of itself, and that copy may send its contents by postMessage. So a hidden frame loads the
 * page anew, and what differs is changed in place: nothing flickers, and the place where one reads
 * stays. The copy runs this same script, and does nothing but send.
 */
(function () {
	"use strict";
	var PERIOD = 1000; /* ms between two looks */
	var PATIENCE = 4; /* looks without an answer until the page says so */
	var FRESH = 3000; /* ms for which a change is marked */
	var LINES = 14; /* of a list of changes */

	var main = document.querySelector("main");
	var head = document.getElementById("head");
	if (location.search.indexOf("?feed=") === 0 && window.parent !== window) {
		window.parent.postMessage({ vasfs: [head.outerHTML, main.outerHTML] }, "*");
		return;
	}

	/* --- Making elements ---------------------------------------------------------------- */

	function make(name, attributes, parent, text) {
		var element = document.createElement(name);
		Object.keys(attributes).forEach(function (key) {
			element.setAttribute(key, attributes[key]);
		});
		if (text !== undefined)
			element.textContent = text;
		if (parent)
			parent.appendChild(element);
		return element;
	}

	function button(text, key, action) {
		var element = make("button", { type: "button" }, bar, text + " ");
		make("kbd", {}, element, key);
		element.addEventListener("click", action);
		return element;
	}

	/* --- Changing the page in place ----------------------------------------------------- */

	var freshSince = new Map(); /* key -> when it changed */

	function keyOf(node) {
		return node.nodeType === 1 ? node.getAttribute("data-k") || node.id || null : null;
	}

	function noteChange(key, now) {
		if (key && !/^(t|kind-|p\d)/.test(key))
			freshSince.set(key, now);
	}

	/* The squares say all in their classes, so a square that has another one has changed. */
	function syncAttributes(old, fresh, now) {
		var key = old.getAttribute("data-k"), changed = false;
		Array.from(old.attributes).forEach(function (a) {
			if (!fresh.hasAttribute(a.name))
				old.removeAttribute(a.name);
		});
		old.classList.remove("fresh", "changed", "stepped");
		Array.from(fresh.attributes).forEach(function (a) {
			if (old.getAttribute(a.name) === a.value)
				return;
			changed = changed || a.name === "class" || a.name === "data-f" ||
				a.name === "data-size" || a.name === "data-p";
			old.setAttribute(a.name, a.value);
		});
		if (key && changed)
			noteChange(key, now);
	}

	function sameKind(a, b) {
		return a.nodeType === b.nodeType && a.nodeName === b.nodeName &&
			keyOf(a) === keyOf(b);
	}

	function noteAdded(node, now) {
		if (node.nodeType !== 1)
			return;
		noteChange(node.getAttribute("data-k"), now);
		node.querySelectorAll("[data-k]").forEach(function (n) {
			noteChange(n.getAttribute("data-k"), now);
		});
	}

	/* Links around squares have the key of what they lead to. */
	function mapKey(node) {
		var inner = node.nodeName === "a" ? node.querySelector("use") : null;
		return keyOf(node) || (inner && keyOf(inner)) || null;
	}

	function patch(old, fresh, now) {
		if (old.nodeType !== 1) {
			if (old.nodeValue !== fresh.nodeValue)
				old.nodeValue = fresh.nodeValue;
			return;
		}
		syncAttributes(old, fresh, now);
		var keyed = new Map();
		Array.from(old.childNodes).forEach(function (child) {
			var key = mapKey(child);
			if (key)
				keyed.set(key, child);
		});
		var at = old.firstChild;
		Array.from(fresh.childNodes).forEach(function (child) {
			var key = mapKey(child);
			var match = key ? keyed.get(key) : at;
			if (!key)
				while (match && mapKey(match))
					match = match.nextSibling;
			if (match && match.nodeType === child.nodeType &&
			    match.nodeName === child.nodeName && (key || sameKind(match, child))) {
				if (match !== at)
					old.insertBefore(match, at);
				else
					at = at.nextSibling;
				patch(match, child, now);
			} else {
				var added = document.importNode(child, true);
				old.insertBefore(added, at);
				noteAdded(added, now);
			}
		});
		while (at) {
			var next = at.nextSibling;
			old.removeChild(at);
			at = next;
		}
	}

	function parse(parts) {
		var parser = new DOMParser();
		var body = parser.parseFromString(parts[0] + parts[1], "text/html").body;
		return { head: body.querySelector("#head"), main: body.querySelector("main") };
	}

	function byKey(key) {
		return Array.from(document.querySelectorAll('[data-k="' + CSS.escape(key) + '"]'));
	}

	function markFresh() {
		var now = Date.now();
		document.querySelectorAll(".fresh").forEach(function (n) {
			n.classList.remove("fresh");
		});
		freshSince.forEach(function (since, key) {
			if (now - since > FRESH)
				freshSince.delete(key);
			else
				byKey(key).forEach(function (n) { n.classList.add("fresh"); });
		});
	}

	function show(parts) {
		var page = parse(parts), now = Date.now();
		if (!page.head || !page.main)
			return;
		patch(head, page.head, now);
		patch(main, page.main, now);
		markFresh();
		if (comparing)
			showChanges();
	}

	/* --- The feed ----------------------------------------------------------------------- */

	var frame = make("iframe", { id: "feed", title: "feed", "aria-hidden": "true",
		tabindex: "-1" }, document.body);
	var base = location.href.split(/[?#]/)[0], lost = 0, looks = 0;

	function ask() {
		if (document.hidden)
			return;
		lost++;
		frame.contentWindow.location.replace(base + "?feed=" + Date.now());
		showState();
	}

	window.addEventListener("message", function (event) {
		if (event.source !== frame.contentWindow || !event.data || !event.data.vasfs)
			return;
		lost = 0;
		looks++;
		if (frozen)
			keepForLater(event.data.vasfs);
		else
			show(event.data.vasfs);
		showState();
		document.documentElement.setAttribute("data-looks", looks);
	});

	/* --- Freezing, and steps through the faults since ----------------------------------- */

	var top = make("div", { id: "top" });
	var bar = make("nav", { id: "bar", "aria-label": "what moves" }, top);
	var cards = make("div", { "class": "cards" }, top);
	head.after(top);
	var frozen = false, later = null, steps = [], at = -1, lastSeq = 0;
	var freezeButton = button("Freeze", "space", freeze);
	var backButton = button("\u25c0", "\u2190", function () { step(-1); });
	var onButton = button("\u25b6", "\u2192", function () { step(1); });
	var state = make("span", { id: "state", role: "status" });
	var card = make("div", { id: "step", "class": "card", hidden: "" }, cards);

	function seqOf(item) {
		return Number(item.getAttribute("data-seq"));
	}

	function newest() {
		return Math.max.apply(null, [0].concat(
			Array.from(document.querySelectorAll("#faults li"), seqOf)));
	}

	function keepForLater(parts) {
		var last = steps.length ? seqOf(steps[steps.length - 1]) : lastSeq;
		later = parts;
		Array.from(parse(parts).main.querySelectorAll("#faults li")).reverse()
			.forEach(function (item) {
				if (seqOf(item) > last)
					steps.push(document.importNode(item, true));
			});
	}

	function freeze() {
		frozen = !frozen;
		steps = [];
		at = -1;
		lastSeq = newest();
		card.hidden = true;
		if (!frozen && later)
			show(later);
		later = null;
		showState();
	}

	/* The square of the page, or of the frame, that a fault is about. */
	function squareOf(item) {
		var va = item.getAttribute("data-va"), pfn = item.getAttribute("data-frame");
		var inMap = va && document.getElementById("map");
		return inMap ? byKey(va) : pfn ? byKey("n" + pfn) : [];
	}

	function step(by) {
		if (!frozen || steps.length === 0)
			return;
		at = Math.min(Math.max(at + by, 0), steps.length - 1);
		card.textContent = "";
		make("h3", {}, card, "Fault " + (at + 1) + " of " + steps.length +
			" since it was frozen");
		var item = make("div", { "class": "fault" }, card);
		steps[at].childNodes.forEach(function (n) { item.appendChild(n.cloneNode(true)); });
		card.hidden = false;
		document.querySelectorAll(".stepped").forEach(function (n) {
			n.classList.remove("stepped");
		});
		squareOf(steps[at]).forEach(function (n) { n.classList.add("stepped"); });
		showState();
	}

	function showState() {
		var text = "renews itself every second";
		if (lost > PATIENCE)
			text = "no answer: the process has ended, or the mount is gone";
		else if (frozen)
			text = "frozen; " + steps.length + " faults since";
		else if (comparing)
			text = "compared with the look that was kept";
		if (state.textContent !== text)
			state.textContent = text;
		freezeButton.setAttribute("aria-pressed", frozen);
		backButton.hidden = onButton.hidden = !frozen;
		backButton.disabled = at <= 0;
		onButton.disabled = at >= steps.length - 1;
	}

	/* --- What changed since a look that was kept ---------------------------------------- */

	var kept = null, comparing = false;
	var map = document.getElementById("map");
	var changes = make("div", { id: "changes", "class": "card", hidden: "" }, cards);

	function lookAt() {
		var look = { areas: new Map(), pages: new Map() };
		document.querySelectorAll("#map g.area").forEach(function (g) {
			var name = g.querySelector("title").textContent.split("\n")[0];
			look.areas.set(g.getAttribute("data-k"),
				{ size: Number(g.getAttribute("data-size")), name: name });
		});
		document.querySelectorAll("#map g.area [data-k]").forEach(function (r) {
			var known = (r.getAttribute("class") || "").match(/s-(\w+)/);
			look.pages.set(r.getAttribute("data-k"),
				{ state: known ? known[1] : "", frame: r.getAttribute("data-f") });
		});
		return look;
	}

	/* What became of a page: BEFORE and NOW are undefined where it had no entry. */
	function fateOf(before, now) {
		if (!before)
			return now.state === "swapped" ? "evicted" : "came";
		if (!now)
			return "went";
		if (before.state !== now.state && now.state === "swapped")
			return "evicted";
		if (before.state !== now.state && before.state === "swapped")
			return "came back";
		if (before.frame !== now.frame)
			return "copied";
		return before.state !== now.state ? "changed" : null;
	}

	function fates(before, now) {
		var found = {};
		function note(fate, key) {
			if (fate)
				(found[fate] = found[fate] || []).push(key);
		}
		now.pages.forEach(function (page, key) {
			note(fateOf(before.pages.get(key), page), key);
		});
		before.pages.forEach(function (page, key) {
			if (!now.pages.has(key))
				note("went", key);
		});
		return found;
	}

	function areaChanges(before, now) {
		var lines = [];
		now.areas.forEach(function (area, key) {
			var old = before.areas.get(key);
			if (!old)
				lines.push(["came", area.name, key]);
			else if (old.size !== area.size)
				lines.push([(old.size < area.size ? "grew" : "shrank") + " by " +
					Math.abs(area.size - old.size) + " pages", area.name, key]);
		});
		before.areas.forEach(function (area, key) {
			if (!now.areas.has(key))
				lines.push(["went", area.name, key]);
		});
		return lines;
	}

	function listChanges(list, lines) {
		lines.slice(0, LINES).forEach(function (line) {
			make("li", {}, list, line);
		});
		if (lines.length > LINES)
			make("li", {}, list, "and " + (lines.length - LINES) + " more");
	}

	function showChanges() {
		var now = lookAt(), areas = areaChanges(kept, now), pages = fates(kept, now);
		document.querySelectorAll(".changed").forEach(function (n) {
			n.classList.remove("changed");
		});
		changes.textContent = "";
		changes.hidden = false;
		make("h3", {}, changes, "Since the look that was kept");
		var list = make("ul", {}, changes);
		listChanges(list, areas.map(function (c) { return "area " + c[0] + ": " + c[1]; }));
		listChanges(list, Object.keys(pages).map(function (fate) {
			var keys = pages[fate];
			var count = keys.length + (keys.length === 1 ? " page " : " pages ");
			return count + fate + ": " + keys.slice(0, 6).join(", ") +
				(keys.length > 6 ? ", ..." : "");
		}));
		if (!list.firstChild)
			make("li", {}, list, "nothing changed");
		areas.forEach(function (c) { mark(c[2]); });
		Object.keys(pages).forEach(function (fate) { pages[fate].forEach(mark); });
	}

	function mark(key) {
		byKey(key).forEach(function (n) { n.classList.add("changed"); });
	}

	function keep() {
		kept = lookAt();
		changesButton.disabled = false;
		keepButton.firstChild.nodeValue = "Look kept at " +
			new Date().toTimeString().slice(0, 8) + " ";
		if (comparing)
			showChanges();
	}

	function compare() {
		if (!kept)
			return;
		comparing = !comparing;
		changesButton.setAttribute("aria-pressed", comparing);
		if (comparing)
			showChanges();
		else
			changes.hidden = true;
		if (!comparing)
			document.querySelectorAll(".changed").forEach(function (n) {
				n.classList.remove("changed");
			});
		showState();
	}

	var keepButton, changesButton;
	if (map) {
		keepButton = button("Keep this look", "k", keep);
		changesButton = button("Show changes", "c", compare);
		changesButton.disabled = true;
	}
	bar.appendChild(state);

	/* --- Keys --------------------------------------------------------------------------- */

	var keys = {
		" ": freeze,
		"ArrowLeft": function () { step(-1); },
		"ArrowRight": function () { step(1); },
		"k": function () { if (map) keep(); },
		"c": function () { if (map) compare(); }
	};

	document.addEventListener("keydown", function (event) {
		var action = keys[event.key];
		var arrow = event.key.indexOf("Arrow") === 0;
		if (!action || event.ctrlKey || event.metaKey || event.altKey)
			return;
		if (arrow && !frozen)
			return;
		if (event.key === " " && event.target.nodeName === "BUTTON")
			return;
		event.preventDefault();
		action();
	});

	showState();
	window.setInterval(ask, PERIOD);
})();
