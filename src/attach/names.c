/*
 * attach/names.c - see names.h.
 *
 * The template's .symtab and .strtab, which stand before the room, are copied behind the end
 * of the file and grow there, so that many small batches cost what one large one does.  Room
 * for symbols is a hole in the file until it is used; 28 MiB of code have fewer slots.  What
 * code that is gone had serves the next: symbol, and text where that is long enough.
 *
 * Nobody in the target reads these headers: it keeps what it has mapped.
 *
 * Spec     ELF gABI "Symbol Table", "Sections"
 */
#include "attach/names.h"

#include "base/cleanup.h"
#include "info/demangle.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	MAX_SYMBOLS = 1 << 20,
	TABLE_MAX = 1 << 20, /* bytes of a table in the template: sanity */
	PAGE = 4096,
};

static uint64_t symbols_at(uint64_t file_size)
{
	return ALIGN_UP(file_size, (uint64_t)PAGE);
}

static uint64_t text_at(uint64_t file_size)
{
	return symbols_at(file_size) + MAX_SYMBOLS * sizeof(Elf64_Sym);
}

/* A text that is one of its parts after the other, at `to`; n->text has room for it. */
static void put_text(struct names *n, uint32_t to, const char *const part[3])
{
	char *at = n->text.at + to;

	for (size_t i = 0; i < 3; i++)
		at = stpcpy(at, part[i]);
	n->stale = to < n->stale ? to : n->stale;
}

/* An id whose text has room for len bytes: the one that was left last, or a new one. */
static uint32_t take_id(struct names *n, uint32_t len)
{
	struct name_place *p;
	uint32_t id;

	if (vec_reserve(&n->place, 1) < 0 || vec_reserve(&n->text, len) < 0 ||
	    n->text.n + len > UINT32_MAX / 2)
		return NAMES_NONE;
	id = n->left.n ? n->left.at[--n->left.n] : (uint32_t)n->place.n;
	if (id == n->place.n)
		n->place.at[n->place.n++] = (struct name_place){ 0 };
	p = &n->place.at[id];
	if (p->room < len) {
		*p = (struct name_place){ (uint32_t)n->text.n, len };
		n->text.n += len;
	}
	return id;
}

static bool change(struct names *n, uint32_t id, const Elf64_Sym *sym)
{
	bool good = vec_push(&n->sym, *sym) == 0 && vec_push(&n->id, id) == 0;

	n->failed |= !good;
	return good;
}

/* Slot and image of a function come one after the other. */
static const char *shown_as(struct names *n, const char *func)
{
	if (!n->func || strcmp(n->func, func) != 0) {
		free(n->func);
		free(n->shown);
		n->func = strdup(func);
		n->shown = n->func ? demangle(func) : NULL;
	}
	return n->shown ? n->shown : func;
}

uint32_t names_add(struct names *n, taddr_t at, uint64_t size, const char *func, const char *what)
{
	const char *part[] = { "utramp:", n->failed ? func : shown_as(n, func), what };
	size_t len = strlen(part[0]) + strlen(part[1]) + strlen(part[2]) + 1;
	Elf64_Sym sym = {
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), /* they follow global ones */
		.st_value = at,
		.st_size = size,
	};
	uint32_t id;

	if (n->failed)
		return NAMES_NONE;
	id = len < TABLE_MAX ? take_id(n, (uint32_t)len) : NAMES_NONE;
	n->failed = id == NAMES_NONE;
	if (n->failed)
		return id;
	sym.st_name = n->place.at[id].at; /* from where our texts begin */
	put_text(n, sym.st_name, part);
	return change(n, id, &sym) ? id : NAMES_NONE;
}

void names_drop(struct names *n, uint32_t id)
{
	const Elf64_Sym none = { .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE) };

	if (n->failed || id == NAMES_NONE)
		return;
	if (vec_push(&n->left, id) < 0)
		n->failed = true;
	else
		change(n, id, &none);
}

static bool read_all(int fd, void *to, size_t size, uint64_t at)
{
	return pread(fd, to, size, (off_t)at) == (ssize_t)size;
}

static bool write_all(int fd, const void *from, size_t size, uint64_t at)
{
	return pwrite(fd, from, size, (off_t)at) == (ssize_t)size;
}

static bool copy_table(int fd, const Elf64_Shdr *s, uint64_t to)
{
	_free_ char *bytes = NULL;

	if (s->sh_size > TABLE_MAX)
		return false;
	bytes = malloc(s->sh_size + 1);
	return bytes && read_all(fd, bytes, s->sh_size, s->sh_offset) &&
	       write_all(fd, bytes, s->sh_size, to);
}

/* slab_text is the whole room: as an object of that size it would hide all that is in it. */
static bool hide_room(struct names *n, int fd, uint64_t symbols, const Elf64_Shdr *text)
{
	for (uint64_t i = 0; i < n->nsym; i++) {
		uint64_t at = symbols + i * sizeof(Elf64_Sym);
		char name[sizeof("slab_text")];
		Elf64_Sym sym;

		if (!read_all(fd, &sym, sizeof(sym), at) ||
		    !read_all(fd, name, sizeof(name), text->sh_offset + sym.st_name))
			return false;
		if (memcmp(name, "slab_text", sizeof(name)) != 0)
			continue;
		n->section = sym.st_shndx;
		n->room = sym.st_value;
		sym.st_info &= 0xf0; /* STT_NOTYPE */
		sym.st_size = 0;
		return write_all(fd, &sym, sizeof(sym), at);
	}
	return false;
}

/* Move both tables to where they can grow; their headers follow in update(). */
static bool begin(struct names *n, int fd, uint64_t file_size)
{
	Elf64_Ehdr h;
	Elf64_Shdr s, text;

	if (!read_all(fd, &h, sizeof(h), 0) || h.e_shentsize != sizeof(s))
		return false;
	for (unsigned i = 0; i < h.e_shnum; i++) {
		n->sym_head = h.e_shoff + i * sizeof(s);
		if (!read_all(fd, &s, sizeof(s), n->sym_head))
			return false;
		if (s.sh_type == SHT_SYMTAB)
			break;
	}
	n->text_head = h.e_shoff + s.sh_link * sizeof(s);
	if (s.sh_type != SHT_SYMTAB || !read_all(fd, &text, sizeof(text), n->text_head) ||
	    !copy_table(fd, &s, symbols_at(file_size)) ||
	    !copy_table(fd, &text, text_at(file_size)))
		return false;
	n->nsym = s.sh_size / sizeof(Elf64_Sym);
	n->ntext = text.sh_size;
	return hide_room(n, fd, symbols_at(file_size), &text);
}

static bool update_header(int fd, uint64_t head, uint64_t at, uint64_t size)
{
	Elf64_Shdr s;

	if (!read_all(fd, &s, sizeof(s), head))
		return false;
	s.sh_offset = at;
	s.sh_size = size;
	return write_all(fd, &s, sizeof(s), head);
}

/* Those that follow each other in one go. */
static bool write_symbols(const struct names *n, int fd, uint64_t symbols)
{
	bool good = true;

	for (size_t i = 0, end; i < n->sym.n && good; i = end) {
		for (end = i + 1; end < n->sym.n && n->id.at[end] == n->id.at[end - 1] + 1;)
			end++;
		good = write_all(fd, n->sym.at + i, (end - i) * sizeof(Elf64_Sym),
				 symbols + (n->nsym + n->id.at[i]) * sizeof(Elf64_Sym));
	}
	return good;
}

/* Text, symbols, headers, in this order: a reader finds a name for each symbol. */
static bool write_new(struct names *n, int fd, taddr_t room, uint64_t file_size)
{
	uint64_t symbols = symbols_at(file_size), text = text_at(file_size);

	if (!n->nsym && !begin(n, fd, file_size))
		return false;
	if (n->nsym + n->place.n > MAX_SYMBOLS)
		return false;
	for (size_t i = 0; i < n->sym.n; i++) {
		if (!n->sym.at[i].st_value)
			continue; /* of code that is no more */
		n->sym.at[i].st_name += (Elf64_Word)n->ntext;
		n->sym.at[i].st_value += n->room - room;
		n->sym.at[i].st_shndx = n->section;
	}
	return write_all(fd, n->text.at + n->stale, n->text.n - n->stale,
			 text + n->ntext + n->stale) &&
	       write_symbols(n, fd, symbols) &&
	       update_header(fd, n->text_head, text, n->ntext + n->text.n) &&
	       update_header(fd, n->sym_head, symbols, (n->nsym + n->place.n) * sizeof(Elf64_Sym));
}

/* Beyond the limit a write would end us by SIGXFSZ: setrlimit(2). */
static bool too_large(uint64_t size)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) < 0 || size > limit.rlim_cur;
}

void names_write(struct names *n, int fd, taddr_t room, uint64_t file_size)
{
	if (n->failed || !n->sym.n || fd < 0)
		return;
	n->failed = too_large(text_at(file_size) + TABLE_MAX + n->ntext + n->text.n) ||
		    !write_new(n, fd, room, file_size);
	n->sym.n = n->id.n = 0;
	n->stale = n->text.n;
}

void names_fini(struct names *n)
{
	vec_free(&n->sym);
	vec_free(&n->id);
	vec_free(&n->text);
	vec_free(&n->place);
	vec_free(&n->left);
	free(n->func);
	free(n->shown);
}
