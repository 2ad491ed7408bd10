/*
 * fortify.h - what programs compiled with _FORTIFY_SOURCE call instead of printf; for libc's pack.
 *
 * No installed header declares them but where it calls them.
 *
 * Spec  Linux Standard Base, Core 5.0, 13.5 (__printf_chk and others): flag, and of buffers their
 *       real size, stand before the format
 */
#ifndef PACK_FORTIFY_H
#define PACK_FORTIFY_H

#include <obstack.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

int __printf_chk(int flag, const char *format, ...);
int __fprintf_chk(FILE *stream, int flag, const char *format, ...);
int __dprintf_chk(int fd, int flag, const char *format, ...);
int __sprintf_chk(char *s, int flag, size_t slen, const char *format, ...);
int __snprintf_chk(char *s, size_t maxlen, int flag, size_t slen, const char *format, ...);
int __asprintf_chk(char **ptr, int flag, const char *format, ...);
int __obstack_printf_chk(struct obstack *obstack, int flag, const char *format, ...);
void __syslog_chk(int pri, int flag, const char *format, ...);

int __vprintf_chk(int flag, const char *format, va_list arg);
int __vfprintf_chk(FILE *stream, int flag, const char *format, va_list arg);
int __vdprintf_chk(int fd, int flag, const char *format, va_list arg);
int __vsprintf_chk(char *s, int flag, size_t slen, const char *format, va_list arg);
int __vsnprintf_chk(char *s, size_t maxlen, int flag, size_t slen, const char *format, va_list arg);
int __vasprintf_chk(char **ptr, int flag, const char *format, va_list arg);
int __obstack_vprintf_chk(struct obstack *obstack, int flag, const char *format, va_list arg);
void __vsyslog_chk(int pri, int flag, const char *format, va_list arg);

#endif
