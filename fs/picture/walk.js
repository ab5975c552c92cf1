/*
 * walk.js - a click on a page shows how its address is translated, as the command `walk` prints it.
 *
 * The entries are those of the tables that are drawn on the page, and of the page itself.
 */
(function () {
	"use strict";
	var cards = document.querySelector(".cards");
	if (!cards)
		return; /* the copy in the hidden frame */

	function make(name, attributes, parent, text) {
		var element = document.createElement(name);
		Object.keys(attributes).forEach(function (key) {
			element.setAttribute(key, attributes[key]);
		});
		if (text !== undefined)
			element.textContent = text;
		parent.appendChild(element);
		return element;
	}

	var walk = make("div", { id: "walk", "class": "card", hidden: "" }, cards);
	var LEVELS = ["PTE", "PMD", "PUD", "PGD"];
	var BITS = ["P", "RW", "US", "PWT", "PCD", "A", "D", "PS", "G", "SWAP", "LOCKED"];
	var ADDRESS = BigInt("0x000ffffffffff000"), NX = BigInt(1) << BigInt(63);

	function hex(number, digits) {
		return "0x" + number.toString(16).padStart(digits || 1, "0");
	}

	function flags(raw, level) {
		var names = BITS.filter(function (name, bit) {
			return raw >> BigInt(bit) & BigInt(1);
		}).map(function (name) {
			return name === "PS" && level === 0 ? "PAT" : name;
		});
		return names.concat(raw & NX ? ["NX"] : []).join("|");
	}

	function indexOf(va, level) {
		return va >> BigInt(12 + 9 * level) & BigInt(511);
	}

	/* The table of LEVEL that serves VA, if it is drawn. */
	function tableOf(va, level) {
		var shift = BigInt(12 + 9 * (level + 1));
		return Array.from(document.querySelectorAll("#tree g.table")).find(function (g) {
			var start = BigInt("0x" + g.getAttribute("data-va"));
			return Number(g.getAttribute("data-level")) === level &&
				(level === 3 || start >> shift === va >> shift);
		});
	}

	function target(raw, level, zero) {
		if (raw & BigInt(1))
			return "-> " + (level > 0 ? "table " : zero ? "zero page " : "page ") +
				hex(raw & ADDRESS);
		return raw === BigInt(0) ? "-> nothing"
			: raw >> BigInt(52) & BigInt(1) ? "-> guard page"
			: "-> swap slot " + ((raw & ADDRESS) >> BigInt(12));
	}

	/* The lines of `walk`, as far as the tables are drawn. LEAF: the page's own entry. */
	function walkLines(va, leaf, zero) {
		var lines = [hex(va) + ": " + LEVELS.map(function (name, level) {
			return name + " " + indexOf(va, level);
		}).reverse().join(", ") + ", offset 0x0"];
		var all = ~BigInt(0), any = BigInt(0);
		for (var level = 3; level >= 0; level--) {
			var table = tableOf(va, level);
			var below = level > 0 ? tableOf(va, level - 1) : null;
			if (!table || (level > 0 && !below))
				return lines.concat(["folded; see pagetable"]);
			var raw = leaf;
			if (level > 0)
				raw = BigInt("0x" + below.getAttribute("data-raw"));
			var pfn = BigInt("0x" + table.getAttribute("data-k").slice(1));
			var at = pfn * BigInt(4096) + indexOf(va, level) * BigInt(8);
			lines.push(LEVELS[level] + "[" + indexOf(va, level) + "] at " + hex(at) +
				" = " + hex(raw, 16) + " " + flags(raw, level) + " " +
				target(raw, level, zero));
			all &= raw;
			any |= raw;
		}
		var user = (all & BigInt(5)) === BigInt(5);
		lines.push("rights " + (user ? "r" : "-") + (user && all & BigInt(2) ? "w" : "-") +
			(user && !(any & NX) ? "x" : "-") +
			(leaf & BigInt(1) ? " physical " + hex(leaf & ADDRESS) : ""));
		return lines;
	}

	function showWalk(square) {
		var va = BigInt("0x" + square.getAttribute("data-k"));
		walk.textContent = "";
		walk.hidden = false;
		make("h3", {}, walk, "walk " + hex(va));
		var leaf = BigInt("0x" + square.getAttribute("data-e"));
		var zero = square.classList.contains("s-zero");
		make("pre", {}, walk, walkLines(va, leaf, zero).join("\n"));
		var text = va.toString(16).padStart(16, "0");
		make("a", { href: "pagetable#:~:text=" + text + "%20PTE" }, walk, "in pagetable");
		walk.appendChild(document.createTextNode(" "));
		make("a", { href: "../frames#:~:text=va%3D" + text }, walk, "in frames");
		walk.appendChild(document.createTextNode(" "));
		var close = make("a", { href: "#", "class": "close" }, walk, "close");
		close.addEventListener("click", function (event) {
			event.preventDefault();
			walk.hidden = true;
		});
	}

	document.addEventListener("click", function (event) {
		var square = event.target.closest ? event.target.closest("use[data-e]") : null;
		if (!square || event.ctrlKey || event.metaKey || event.shiftKey)
			return;
		event.preventDefault();
		showWalk(square);
	});
})();
