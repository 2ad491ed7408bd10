/*
 * info/libclang.h - the part of libclang's C interface that header.c needs, found at run time.
 *
 * libclang is no dependency: it is loaded when somebody asks for a header to be read, and what
 * it needs declared is declared here, since its C interface is stable (a soname of its own
 * since LLVM 3, values of enumerators never change) and the package with its headers has 240 MB.
 *
 * Errors   -ENOTSUP no libclang, or one that lacks a function
 * Memory   loaded once, never unloaded; strings through libclang_take()
 * Context  [ctl], one thread
 * Spec     clang-c/Index.h, clang-c/CXString.h: "libclang: C Interface to Clang"
 */
#ifndef INFO_LIBCLANG_H
#define INFO_LIBCLANG_H

#include "base/diag.h"
#include "base/types.h"

struct cx_string {
	const void *data;
	unsigned flags;
};

struct cx_cursor {
	unsigned kind;
	int xdata;
	const void *data[3];
};

struct cx_type {
	unsigned kind;
	void *data[2];
};

struct cx_unsaved {
	const char *name, *text;
	unsigned long size;
};

struct cx_location {
	const void *ptr[2];
	unsigned n;
};

struct cx_range {
	const void *ptr[2];
	unsigned begin, end;
};

struct cx_token {
	unsigned n[4];
	void *ptr;
};

enum { /* enum CXCursorKind */
       CX_FIELD_DECL = 6,
       CX_ENUM_CONSTANT_DECL = 7,
       CX_FUNCTION_DECL = 8,
};

enum { CX_LINKAGE_EXTERNAL = 4, CX_CALL_C = 1, CX_SEVERITY_ERROR = 3, CX_TOKEN_COMMENT = 4 };
enum { CX_SKIP_BODIES = 0x40 }; /* CXTranslationUnit_SkipFunctionBodies */
enum { CX_BREAK, CX_CONTINUE };

enum { /* enum CXTypeKind */
       CX_INVALID = 0,
       CX_UNEXPOSED = 1,
       CX_VOID = 2,
       CX_BOOL = 3,
       CX_FIRST_INT = 4,
       CX_CHAR_U = 4,
       CX_UCHAR = 5,
       CX_CHAR16 = 6,
       CX_CHAR32 = 7,
       CX_USHORT = 8,
       CX_UINT = 9,
       CX_ULONG = 10,
       CX_ULONGLONG = 11,
       CX_UINT128 = 12,
       CX_CHAR_S = 13,
       CX_SCHAR = 14,
       CX_WCHAR = 15,
       CX_SHORT = 16,
       CX_INT = 17,
       CX_LONG = 18,
       CX_LONGLONG = 19,
       CX_INT128 = 20,
       CX_FLOAT = 21,
       CX_DOUBLE = 22,
       CX_LONGDOUBLE = 23,
       CX_FLOAT128 = 30,
       CX_FLOAT16 = 32,
       CX_COMPLEX = 100,
       CX_POINTER = 101,
       CX_RECORD = 105,
       CX_ENUM = 106,
       CX_TYPEDEF = 107,
       CX_FUNCTION_NO_PROTO = 110,
       CX_FUNCTION_PROTO = 111,
       CX_ARRAY = 112,
       CX_VECTOR = 113,
       CX_OPEN_ARRAY = 114,
       CX_VARIABLE_ARRAY = 115,
       CX_ELABORATED = 119,
       CX_ATTRIBUTED = 163,
       CX_EXT_VECTOR = 176,
       CX_ATOMIC = 177,
};

typedef unsigned cx_visitor_fn(struct cx_cursor c, struct cx_cursor parent, void *data);
typedef unsigned cx_field_fn(struct cx_cursor c, void *data);

/* result, name behind "clang_", parameters */
#define LIBCLANG_FUNCTIONS(X) \
	X(void *, createIndex, (int, int)) \
	X(void, disposeIndex, (void *)) \
	X(int, parseTranslationUnit2, \
	  (void *, const char *, const char *const *, int, struct cx_unsaved *, unsigned, \
	   unsigned, void **)) \
	X(void, disposeTranslationUnit, (void *)) \
	X(unsigned, getNumDiagnostics, (void *)) \
	X(void *, getDiagnostic, (void *, unsigned)) \
	X(void, disposeDiagnostic, (void *)) \
	X(int, getDiagnosticSeverity, (void *)) \
	X(struct cx_string, formatDiagnostic, (void *, unsigned)) \
	X(unsigned, defaultDiagnosticDisplayOptions, (void)) \
	X(const char *, getCString, (struct cx_string)) \
	X(void, disposeString, (struct cx_string)) \
	X(struct cx_cursor, getTranslationUnitCursor, (void *)) \
	X(unsigned, visitChildren, (struct cx_cursor, cx_visitor_fn *, void *)) \
	X(unsigned, Type_visitFields, (struct cx_type, cx_field_fn *, void *)) \
	X(int, getCursorLinkage, (struct cx_cursor)) \
	X(struct cx_string, getCursorSpelling, (struct cx_cursor)) \
	X(struct cx_string, Cursor_getMangling, (struct cx_cursor)) \
	X(struct cx_string, getCursorPrettyPrinted, (struct cx_cursor, void *)) \
	X(struct cx_type, getCursorType, (struct cx_cursor)) \
	X(struct cx_cursor, getCanonicalCursor, (struct cx_cursor)) \
	X(struct cx_cursor, getCursorDefinition, (struct cx_cursor)) \
	X(int, Cursor_isNull, (struct cx_cursor)) \
	X(unsigned, Cursor_isAnonymous, (struct cx_cursor)) \
	X(struct cx_cursor, Cursor_getArgument, (struct cx_cursor, unsigned)) \
	X(unsigned, Cursor_isBitField, (struct cx_cursor)) \
	X(int, getFieldDeclBitWidth, (struct cx_cursor)) \
	X(long long, Cursor_getOffsetOfField, (struct cx_cursor)) \
	X(struct cx_type, getEnumDeclIntegerType, (struct cx_cursor)) \
	X(long long, getEnumConstantDeclValue, (struct cx_cursor)) \
	X(struct cx_type, getTypedefDeclUnderlyingType, (struct cx_cursor)) \
	X(struct cx_cursor, getTypeDeclaration, (struct cx_type)) \
	X(struct cx_type, getCanonicalType, (struct cx_type)) \
	X(struct cx_type, Type_getNamedType, (struct cx_type)) \
	X(struct cx_type, Type_getModifiedType, (struct cx_type)) \
	X(struct cx_type, Type_getValueType, (struct cx_type)) \
	X(struct cx_type, getPointeeType, (struct cx_type)) \
	X(struct cx_type, getElementType, (struct cx_type)) \
	X(struct cx_type, getArrayElementType, (struct cx_type)) \
	X(long long, getNumElements, (struct cx_type)) \
	X(struct cx_type, getResultType, (struct cx_type)) \
	X(int, getNumArgTypes, (struct cx_type)) \
	X(struct cx_type, getArgType, (struct cx_type, unsigned)) \
	X(unsigned, isFunctionTypeVariadic, (struct cx_type)) \
	X(int, getFunctionTypeCallingConv, (struct cx_type)) \
	X(unsigned, isConstQualifiedType, (struct cx_type)) \
	X(unsigned, isVolatileQualifiedType, (struct cx_type)) \
	X(unsigned, isRestrictQualifiedType, (struct cx_type)) \
	X(unsigned, equalTypes, (struct cx_type, struct cx_type)) \
	X(long long, Type_getSizeOf, (struct cx_type)) \
	X(long long, Type_getAlignOf, (struct cx_type)) \
	X(struct cx_string, getTypeSpelling, (struct cx_type)) \
	X(struct cx_range, getCursorExtent, (struct cx_cursor)) \
	X(struct cx_location, getRangeEnd, (struct cx_range)) \
	X(void, getFileLocation, \
	  (struct cx_location, void **, unsigned *, unsigned *, unsigned *)) \
	X(void, tokenize, (void *, struct cx_range, struct cx_token **, unsigned *)) \
	X(void, disposeTokens, (void *, struct cx_token *, unsigned)) \
	X(int, getTokenKind, (struct cx_token)) \
	X(struct cx_string, getTokenSpelling, (void *, struct cx_token)) \
	X(struct cx_location, getTokenLocation, (void *, struct cx_token))

struct libclang {
#define LIBCLANG_MEMBER(ret, name, args) ret(*name) args;
	LIBCLANG_FUNCTIONS(LIBCLANG_MEMBER)
#undef LIBCLANG_MEMBER
};

int libclang_load(const struct libclang **out, struct diag *d);

/* A string of libclang's as one of the caller's (free it); NULL: out of memory. */
char *libclang_take(const struct libclang *lc, struct cx_string s);

#endif
