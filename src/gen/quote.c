/* gen/quote.c - see quote.h. */
#include "gen/quote.h"

#include <string.h>

static size_t utf8_len(const uint8_t *s, size_t n)
{
	size_t len = s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;

	if (!len || len > n || s[0] >= 0xf5)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* longer than it need be, a surrogate, beyond Unicode: RFC 3629 */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	/* controls of Latin-1 move terminals' cursors */
	return s[0] == 0xc2 && s[1] < 0xa0 ? 0 : len;
}

static void quote_byte(struct json *w, uint8_t c, bool digit_next)
{
	static const char plain[] = "\n\t\r\\\"", letter[] = "ntr\\\"";
	const char *at = c ? strchr(plain, c) : NULL;

	if (at)
		json_printf(w, "\\%c", letter[at - plain]);
	else if (c >= ' ' && c < 0x7f)
		json_printf(w, "%c", c);
	else
		json_printf(w, digit_next ? "\\%03o" : "\\%o", c);
}

void text_quote(struct json *w, const uint8_t *s, size_t n, bool cut)
{
	json_raw(w, "\"", 1);
	for (size_t i = 0, len; i < n; i += len ? len : 1) {
		len = utf8_len(s + i, n - i);
		if (len)
			json_raw(w, (const char *)s + i, len);
		else
			quote_byte(w, s[i], i + 1 < n && s[i + 1] >= '0' && s[i + 1] <= '9');
	}
	json_raw(w, "\"...", cut ? 4 : 1);
}
