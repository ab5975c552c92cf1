/*
 * page.c - what both pages have. See page.h.
 *
 * A page allows its own script and nothing else: the policy in its head names the script by its
 * hash. So even markup that got past the escapes would not run.
 */
#include "fs/picture/page.h"
#include "fs/picture/markup.h"
#include "page_css.h"
#include "page_js.h"
#include "picture_css.h"
#include "walk_js.h"

/* For XML the script is a section that is not parsed, for HTML these are comments. */
#define SCRIPT "//<![CDATA[\n" PAGE_JS WALK_JS "//]]>\n"

static void add_policy(GString *out)
{
	guint8 digest[32];
	gsize len = sizeof digest;
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	g_autofree char *hash = NULL;

	g_checksum_update(sum, (const guchar *)SCRIPT, (gssize)(sizeof SCRIPT - 1));
	g_checksum_get_digest(sum, digest, &len);
	hash = g_base64_encode(digest, len);
	g_string_append_printf(
	    out,
	    "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; "
	    "style-src 'unsafe-inline'; img-src data:; script-src 'sha256-%s'; "
	    "frame-src 'self' file:; base-uri 'none'; form-action 'none'\"/>\n",
	    hash);
}

void page_begin(GString *out, const char *class, const char *title)
{
	g_string_append(out, "<!DOCTYPE html>\n<html xmlns='http://www.w3.org/1999/xhtml' "
	                     "lang='en'>\n<head>\n<meta charset='utf-8'/>\n<title>");
	markup_text(out, title);
	g_string_append(out, " - vasfs</title>\n<meta name='viewport' "
	                     "content='width=device-width, initial-scale=1'/>\n");
	add_policy(out);
	g_string_append(out, "<link rel='icon' href='data:,'/>\n<style>\n");
	palette_css(out);
	g_string_append(out, PICTURE_CSS PAGE_CSS "</style>\n</head>\n");
	g_string_append_printf(out, "<body class='%s'>\n", class);
	g_string_append(out,
	                "<svg class='picture defs' xmlns='http://www.w3.org/2000/svg' width='0' "
	                "height='0' aria-hidden='true'>");
	palette_defs(out);
	g_string_append(out, "</svg>\n");
}

void page_end(GString *out)
{
	g_string_append(out, "<script>" SCRIPT "</script>\n</body>\n</html>\n");
}

void page_bar(GString *out, int width, uint64_t total, const struct bar_part *parts, unsigned count)
{
	int at = 0;

	width = width / SQUARE * SQUARE;
	g_string_append_printf(out,
	                       "<svg class='picture bar' xmlns='http://www.w3.org/2000/svg' "
	                       "width='%d' height='10' viewBox='0 0 %d 10' role='img' "
	                       "aria-label='shares'><rect class='small' width='%d' height='9'/>",
	                       width, width, width);
	for (unsigned i = 0; i < count && total > 0; i++) {
		uint64_t amount = MIN(parts[i].amount, total);
		int part = (int)(amount * (uint64_t)width / total);

		if (amount == 0)
			continue;
		part = CLAMP(part, MIN(3, width - at), width - at);
		palette_bar(out, parts[i].state, at, 0, part, state_word(parts[i].state));
		at += part;
	}
	g_string_append(out, "</svg>");
}
