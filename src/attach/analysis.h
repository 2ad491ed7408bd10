/*
 * attach/analysis.h - the sweep of a module's code, kept for the next session.
 *
 * Large libraries take seconds to read (libLLVM, 45 MB of code: 2.6 s), and are the same the next
 * time.  What was found is kept in $XDG_CACHE_HOME/utramp, or ~/.cache/utramp, a file for each
 * build-id.  UTRAMP_CACHE=off switches it off; removing the directory is always right.
 *
 * When it is believed.  A wrong sweep could cost the target's life.  So a file of the cache
 * counts only if
 *   - it, and the directory, are the user's own and nobody else may write there;
 *   - its checksum is right, and what it says is possible;
 *   - it was written by a build of the same sources, with the same decoder;
 *   - the module has that build-id, and is the very file: device, inode, size, both times to the
 *     nanosecond (a change of its bytes changes the second, which nobody can set); those were not
 *     younger than two seconds, so that no later write can have the same;
 *   - symbols and unwind tables are those that it was made with: a debug file adds some.
 * What does not count is made anew and replaced.
 *
 * Writers write a file of their own and rename it, so readers see all of it or none.  The
 * directory is kept below ANALYSIS_DIR_MAX, those used longest ago go first.
 *
 * Errors   none: without a cache everything works, only slower
 * Memory   none kept
 * Context  [ctl]
 */
#ifndef ATTACH_ANALYSIS_H
#define ATTACH_ANALYSIS_H

#include "info/objfile.h"
#include "text/sweep.h"

#define ANALYSIS_CODE_MIN (256u << 10) /* bytes of code; less is read in 20 ms */
#define ANALYSIS_DIR_MAX  (256u << 20)

/* True: *out is the sweep of o's code. */
bool analysis_load(const struct objfile *o, struct sweep **out);

/* Keep s, which is that of o's code; if it is worth it, and can be. */
void analysis_save(const struct objfile *o, const struct sweep *s);

#endif
