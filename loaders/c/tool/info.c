// `pf info` and `pf verify`. Assume nothing of the files.
#include <string.h>

#include "../src/packfile_format.h"
#include "tool.h"

static const char *kind_name(uint32_t kind) {
  switch (kind) {
#define NAME(ID, id, row, aligned, max) \
  case PF_SECTION_KIND_##ID: return #id;
    PF_SECTIONS(NAME)
#undef NAME
    default: return "unknown";
  }
}

void show_counts(FILE *stream, const pf_stats *stats) {
  fprintf(stream, "mapped %llu bytes, copied %llu, swapped %llu; verified %llu words of %llu functions; read %llu rows; "
                  "checked %llu blocks, %llu nodes\n",
          (unsigned long long)stats->bytes_mapped, (unsigned long long)stats->bytes_copied,
          (unsigned long long)stats->bytes_swapped, (unsigned long long)stats->words_verified,
          (unsigned long long)stats->functions_verified, (unsigned long long)stats->rows_read,
          (unsigned long long)stats->blocks_checked, (unsigned long long)stats->nodes_checked);
}

static int show(const char *file) {
  pf_image *image;
  pf_error error;
  pf_header header;
  if (pf_image_open(file, &image, &error) != PF_OK) return report(file, &error);
  int status = STATUS_OK;
  if (pf_image_header(image, &header, &error) != PF_OK) status = report(file, &error);
  if (status == STATUS_OK) {
    printf("%s\n  byte order      %s\n  alignment unit  %u bytes\n  file length     %u bytes\n", file,
           header.big ? "big" : "little", header.unit, header.file_length);
    if (header.entry == PF_NO_ENTRY) {
      printf("  entry           none\n");
    } else {
      printf("  entry           function %u\n", header.entry);
    }
    printf("  bss             %u bytes\n  digest root     ", header.bss_size);
    for (size_t k = 0; k < sizeof header.digest_root; k++) printf("%02x", header.digest_root[k]);
    printf("\n\n  kind        name       offset      bytes\n");
  }
  for (uint32_t k = 0; status == STATUS_OK && k < header.section_count; k++) {
    pf_section section;
    if (pf_image_section(image, k, &section, &error) != PF_OK) {
      status = report(file, &error);
    } else {
      printf("  0x%08x  %-9s  0x%08x  %u\n", section.kind, kind_name(section.kind), section.offset, section.length);
    }
  }
  pf_stats stats;
  pf_image_stats(image, &stats);
  if (status == STATUS_OK) {
    printf("\n  ");
    show_counts(stdout, &stats);
  }
  pf_image_close(image);
  return status;
}

int command_info(int count, char **arguments) {
  static const char help[] = "Usage: pf info FILE...\n\nShows header, directory, and what opening read.\n";
  if (count > 1 && asks_help(arguments[1])) return fputs(help, stdout) < 0;
  if (count < 2) return usage(help);
  int worst = STATUS_OK;
  for (int k = 1; k < count; k++) {
    int status = show(arguments[k]);
    if (status > worst) worst = status;
  }
  return worst;
}

static int audit(const char *file) {
  pf_image *image;
  pf_error error;
  if (pf_image_open(file, &image, &error) != PF_OK) return report(file, &error);
  int status = STATUS_OK;
  if (pf_audit(image, &error) == PF_OK) {
    printf("%s: ok\n", file);
  } else {
    status = report(file, &error);
  }
  pf_image_close(image);
  return status;
}

int command_verify(int count, char **arguments) {
  static const char help[] = "Usage: pf verify FILE...\n\nAudits files, and checks every digest of those that have some. What is wrong with one is shown as one line on standard error:\n"
                             "FILE:0xOFFSET: outcome: rule: message.\n";
  if (count > 1 && asks_help(arguments[1])) return fputs(help, stdout) < 0;
  if (count < 2) return usage(help);
  int worst = STATUS_OK;
  for (int k = 1; k < count; k++) {
    int status = audit(arguments[k]);
    if (status > worst) worst = status;
  }
  return worst;
}
