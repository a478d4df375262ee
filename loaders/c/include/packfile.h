// The public interface of the loader: open files, link them into a process, call functions of it.
// Assumes nothing of a file, however hostile; promises that every fault of one comes back as a pf_error.
#ifndef PACKFILE_H
#define PACKFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What came of an operation. The first eight are those of the specification (stages.md); the last two are
// the embedder's: PF_IO_ERROR when the system refused something (a path, memory), PF_MISUSE when an argument makes no
// sense or a process is called from within one of its own calls.
typedef enum pf_outcome {
  PF_OK,
  PF_MALFORMED,
  PF_UNSUPPORTED,
  PF_CORRUPT,
  PF_UNLINKABLE,
  PF_INVALID,
  PF_TRAP,
  PF_EXHAUSTED,
  PF_IO_ERROR,
  PF_MISUSE
} pf_outcome;

// The name of an outcome as the adapter protocol writes it: "ok", "malformed", ...
const char *pf_outcome_name(pf_outcome outcome);

// The name of a trap code, "divide-by-zero", or NULL for a number that is no code.
const char *pf_trap_name(int trap);

// Everything known about a failure. Strings of a file inside `message` are escaped, so it may be shown. A pointer
// to one may be NULL wherever a function takes it.
typedef struct pf_error {
  pf_outcome outcome;
  const char *rule;     // the id of the broken rule, a string literal; NULL if none fits
  int trap;             // the trap code if the outcome is PF_TRAP, else 0
  bool has_offset;      // whether `offset` is known
  uint64_t offset;      // the byte of the file
  char message[232];    // "expected ..., got ..."; never empty after a failure
} pf_error;

typedef struct pf_image pf_image;      // one mapped file
typedef struct pf_host pf_host;        // one host module
typedef struct pf_process pf_process;  // one linked set

// ---- images --------------------------------------------------------------------------------------------------------------

// Maps the file at `path` and checks header and directory. If it has digests, each of its blocks is checked before the first use of what lies
// in it, here or later, and is PF_CORRUPT at that use and each one after it. PF_IO_ERROR if it cannot be opened or is no regular file.
// The image is good for any number of processes and threads at once. Installs the SIGBUS handler at the first call.
pf_outcome pf_image_open(const char *path, pf_image **image, pf_error *error);

// The same for an open descriptor, which stays the caller's and may be closed afterwards.
pf_outcome pf_image_open_descriptor(int descriptor, pf_image **image, pf_error *error);

// Either of the two, with what may be said beside it. Zero stands for the default.
typedef struct pf_open_options {
  const char *path;     // or NULL, and `descriptor` is used
  int descriptor;
  bool no_digests;      // take a file that has digests as if it had none: nothing of it is checked, nothing is PF_CORRUPT
} pf_open_options;

pf_outcome pf_image_open_with(const pf_open_options *options, pf_image **image, pf_error *error);

// Gives the image up. Processes that were linked from it go on; the mapping ends with the last of them. NULL is allowed.
void pf_image_close(pf_image *image);

// What the header says.
typedef struct pf_header {
  bool big;               // byte order of the file
  uint32_t unit;          // alignment unit in bytes
  uint32_t file_length;
  uint32_t section_count;
  uint32_t entry;         // index of a function, or 0xffffffff
  uint32_t bss_size;
  uint8_t digest_root[32];
} pf_header;

// What a directory entry says.
typedef struct pf_section {
  uint32_t kind;
  uint32_t offset;
  uint32_t length;
} pf_section;

// Reads the header or one directory entry from the mapping. PF_MALFORMED if the file was cut short since it was opened.
pf_outcome pf_image_header(const pf_image *image, pf_header *header, pf_error *error);
pf_outcome pf_image_section(const pf_image *image, uint32_t index, pf_section *section, pf_error *error);

// Judges one function, as its first call would, and keeps the verdict. PF_MISUSE if there is no such function.
pf_outcome pf_verify(pf_image *image, uint32_t function, pf_error *error);

// Checks the whole file: every rule whose time is open, link (of the file's own rows) or audit, and every function.
// Reports the first malformed finding, else the first invalid one, else the first block or node that is corrupt; digests are computed anew. Takes memory in proportion to import and export rows.
pf_outcome pf_audit(pf_image *image, pf_error *error);

// ---- host modules --------------------------------------------------------------------------------------------------------

// One call of a host function. Arguments may be read until it returns. Results are zero at first and to be set; there are as many as the signature says.
typedef struct pf_host_call {
  pf_process *process;   // only for pf_memory_read and pf_memory_write
  void *user;            // the pointer given with the running pf_call
  const int64_t *i;
  const uint64_t *n;     // bits of binary64
  int64_t *i_results;
  uint64_t *n_results;
} pf_host_call;

// Returns whether it succeeded; false makes the caller trap with `host`. It must return: no longjmp out of it. It must not
// call into the process that called it.
typedef bool (*pf_host_function)(void *function_user, pf_host_call *call);

// A signature word of four counts, each from 0 to 255.
uint32_t pf_signature(unsigned i_parameters, unsigned n_parameters, unsigned i_results, unsigned n_results);

// A host module without functions; NULL if there is no memory.
pf_host *pf_host_create(void);

// Adds the function of the next index, from 0. Names differ. Not after the module was first linked, which would
// be PF_MISUSE.
pf_outcome pf_host_add(pf_host *host, const char *name, size_t name_length, uint32_t signature,
                       pf_host_function function, void *function_user, pf_error *error);

// Gives the module up; processes that were linked with it go on. NULL is allowed.
void pf_host_close(pf_host *host);

// ---- processes -----------------------------------------------------------------------------------------------------------

// One member of a set: an image or a host module, exactly one of them, under a name of any bytes.
typedef struct pf_member {
  const char *name;
  size_t name_length;
  pf_image *image;
  pf_host *host;
} pf_member;

// Limits of a process. Zero stands for the default.
typedef struct pf_limits {
  uint64_t bss_total;    // greatest sum of bss in bytes; default: what the system gives. At least 67,108,864 conforms.
  size_t stack_bytes;    // address space for frames; default 256 MiB. At least 32 MiB conforms.
} pf_limits;

// Links a set, in the order of positions; `limits` may be NULL. On failure nothing is left behind.
pf_outcome pf_link(const pf_member *members, size_t count, const pf_limits *limits, pf_process **process,
                   pf_error *error);

// Ends a process. NULL is allowed.
void pf_process_close(pf_process *process);

// What to call. Fuel and depth go up to 2^53 - 1.
typedef struct pf_request {
  const char *module;
  size_t module_length;
  const char *function;    // name of an export, or NULL for the module's entry function
  size_t function_length;
  const int64_t *i;
  size_t i_count;
  const uint64_t *n;       // bits of binary64
  size_t n_count;
  uint64_t fuel;
  uint64_t depth;
  void *user;              // handed to host functions
} pf_request;

// The signature word of the function that a request would call, by the same look-up; no argument is looked at.
pf_outcome pf_signature_of(pf_process *process, const pf_request *request, uint32_t *signature, pf_error *error);

// Results of a call; meaningful after PF_OK alone.
typedef struct pf_results {
  int64_t i[255];
  uint64_t n[255];
  size_t i_count;
  size_t n_count;
} pf_results;

// Calls a function. One call at a time for one process; different processes may run in different threads. After
// PF_EXHAUSTED the process accepts no more calls; after any other failure it goes on.
pf_outcome pf_call(pf_process *process, const pf_request *request, pf_results *results, pf_error *error);

// Copies bytes at an address of the program, checked like mem_copy, from or to memory of the embedder. False, and nothing
// was changed, if any byte of the range is out of reach; also false if the file was cut short under it or is corrupt there.
bool pf_memory_read(pf_process *process, uint64_t address, void *bytes, uint64_t length);
bool pf_memory_write(pf_process *process, uint64_t address, const void *bytes, uint64_t length);

// The bytes of a segment of the module at a position: 1 rodata, 2 data, 3 bss. False if there is none. Rodata must not be written.
// Bytes of rodata and data are those of the mapped file: if it is cut short, touching them from outside of a call is a SIGBUS. No digest is checked.
bool pf_process_segment(pf_process *process, size_t position, unsigned segment, uint8_t **bytes, size_t *size);

// What the loader did so far for the images of a process.
typedef struct pf_stats {
  uint64_t bytes_mapped;        // length of the images
  uint64_t bytes_copied;        // of images; the data section where the host's page is larger than the unit, else 0
  uint64_t bytes_swapped;       // in memory: always 0, since words are swapped in registers
  uint64_t words_verified;
  uint64_t functions_verified;
  uint64_t rows_read;           // of functions at their first call, of imports, and of exports that a search passed
  uint64_t blocks_checked;      // digests that were computed, of blocks and of nodes of the tree
  uint64_t nodes_checked;
} pf_stats;

void pf_image_stats(const pf_image *image, pf_stats *stats);
void pf_process_stats(const pf_process *process, pf_stats *stats);

#ifdef __cplusplus
}
#endif
#endif
