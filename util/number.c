#include "util/number.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Parse the digits at TEXT and set *END to what follows them. Not left to strtoull, which also
 * takes blanks, signs and octal.
 */
static bool digits_parse(const char *text, uint64_t *value, const char **end)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	const char *allowed = hex ? "0123456789abcdefABCDEF" : "0123456789";

	if (digits[0] == '\0' || strchr(allowed, digits[0]) == NULL)
		return false;
	errno = 0;
	*value = strtoull(digits, (char **)end, hex ? 16 : 10);
	return errno == 0;
}

bool number_parse(const char *text, uint64_t *value)
{
	const char *end;

	return digits_parse(text, value, &end) && *end == '\0';
}

bool number_next(const char **text, uint64_t *value)
{
	const char *end;

	if (!digits_parse(*text + strspn(*text, " \t"), value, &end))
		return false;
	*text = end;
	return true;
}

bool size_parse(const char *text, uint64_t *value)
{
	static const char suffixes[] = "KMGTkmgt";
	const char *end, *suffix;

	if (!digits_parse(text, value, &end))
		return false;
	if (*end == '\0')
		return true;
	suffix = strchr(suffixes, *end);
	if (suffix == NULL || end[1] != '\0')
		return false;
	unsigned shift = 10 * (unsigned)((suffix - suffixes) % 4 + 1);
	if (*value > UINT64_MAX >> shift)
		return false;
	*value <<= shift;
	return true;
}

#define DECIMAL "0123456789"
#define HEX DECIMAL "abcdefABCDEF"

static bool is_all(const char *text, const char *digits)
{
	return text[0] != '\0' && text[strspn(text, digits)] == '\0';
}

bool number_is_bare_hex(const char *text)
{
	return is_all(text, HEX) && !is_all(text, DECIMAL);
}

bool number_is_too_large(const char *text)
{
	bool hex = strncmp(text, "0x", 2) == 0 || strncmp(text, "0X", 2) == 0;
	uint64_t value;

	return (hex ? is_all(text + 2, HEX) : is_all(text, DECIMAL)) && !number_parse(text, &value);
}
