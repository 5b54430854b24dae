/* bidui_gen.c - writes invented people and businesses in the native formats of four departments.
 *
 *     bidui_gen --people N --businesses N --seed S --fault-rate R --out DIR [--first N]
 *
 * The same arguments give the same bytes; memory does not grow with N. Every person is known to
 * medical insurance and social security, every business to tax and market supervision, its owner to
 * both, and all say the same of each. R (0 to 1) of the people and of the businesses have a fault
 * (faults.h). People are numbered from --first (1) on, those who own a business from 1. Files:
 *
 *     medical.ndjson            a 1101 reply a line
 *     social_nws.ndxml          a reply a line; social_nws.xml: all in one, for validators
 *     social_packet.xml         one change push of everybody
 *     tax.ndxml                 a GT3 reply a line
 *     market_TABLE.utf8.txt     U+0001 between columns
 *     truth.tsv                 what is true of each, and its fault
 *     faults.tsv                FILE, line or number of the record in it, reject or refused, code:
 *                               all that intake must refuse
 *     expected.tsv              FILE, feed, messages, records rejected, messages refused
 */
#include "faults.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct settings {
	uint64_t first, people, businesses, seed, fault_per_million;
	const char *out;
};

enum output {
	OUT_MEDICAL,
	OUT_NWS,
	OUT_NWS_ALL,
	OUT_PACKET,
	OUT_TAX,
	OUT_BASE,
	OUT_OPERATOR,
	OUT_ANOMALY,
	OUT_CANCEL,
	OUT_TRUTH,
	OUT_FAULTS,
	OUT_EXPECTED,
	OUT_COUNT
};

/* feed NULL = nobody takes it. */
static const struct {
	const char *name, *feed;
	bool is_line_a_message;
} outputs[OUT_COUNT] = {
	[OUT_MEDICAL] = { "medical.ndjson", "medical/1101", true },
	[OUT_NWS] = { "social_nws.ndxml", "social/nws", true },
	[OUT_NWS_ALL] = { "social_nws.xml", NULL, false },
	[OUT_PACKET] = { "social_packet.xml", "social/packet", false },
	[OUT_TAX] = { "tax.ndxml", "tax/gt3", true },
	[OUT_BASE] = { "market_E_PB_BASEINFO.utf8.txt", "market/e_pb_baseinfo", false },
	[OUT_OPERATOR] = { "market_E_PB_OPERATOR.utf8.txt", "market/e_pb_operator", false },
	[OUT_ANOMALY] = { "market_AO_PB_OPANOMALY.utf8.txt", "market/ao_pb_opanomaly", false },
	[OUT_CANCEL] = { "market_E_GT_CANCEL.utf8.txt", "market/e_gt_cancel", false },
	[OUT_TRUTH] = { "truth.tsv", NULL, false },
	[OUT_FAULTS] = { "faults.tsv", NULL, false },
	[OUT_EXPECTED] = { "expected.tsv", NULL, false },
};

struct files {
	FILE *file[OUT_COUNT];
	uint64_t rejected[OUT_COUNT], refused[OUT_COUNT];
};

/* What intake will make of the record that was written as the number-th of this file. */
static void state_effect(struct files *files, enum output output, uint64_t number, enum fault fault)
{
	const struct fault_effect *effect = fault_effect_in(fault, outputs[output].name);
	if (effect == NULL) {
		return;
	}
	fprintf(files->file[OUT_FAULTS], "%s\t%llu\t%s\t%s\n", effect->file,
		(unsigned long long)number, effect->is_whole ? "refused" : "reject", effect->code);
	files->rejected[output] += !effect->is_whole;
	files->refused[output] += effect->is_whole;
}

static const char *compact_date(char out[9], const char *date)
{
	snprintf(out, 9, "%.4s%.2s%.2s", date, date + 5, date + 8);
	return out;
}

/* 9 is in nobody's table. */
static int status_of(const struct invented_person *person, enum fault fault)
{
	return fault == FAULT_CODE ? 9 : person->is_insured ? 1 : 2;
}

static void write_medical(FILE *file, const struct invented_person *person, enum fault fault)
{
	fprintf(file,
		"{\"infcode\":%d,\"inf_refmsgid\":\"44030020260601093015%010llu\","
		"\"refmsg_time\":\"20260601093015120\",\"respond_time\":\"20260601093015208\","
		"\"enctype\":\"\",\"signtype\":\"SM2\",\"cainfo\":\"\",\"err_msg\":\"\",\"output\":"
		"{"
		"\"baseinfo\":{\"psn_no\":\"440300%020llu\",\"psn_cert_type\":\"01\",\"certno\":\"%"
		"s\","
		"\"psn_name\":\"%s\",\"gend\":\"%d\",\"naty\":\"%s\",\"brdy\":\"%s\",\"age\":34.9,"
		"\"exp_content\":null},\"insuinfo\":[{\"balc\":1024.50,\"insutype\":\"310\","
		"\"psn_type\":\"1101\",\"psn_insu_stas\":\"%d\",\"psn_insu_date\":\"2018-07-01\","
		"\"paus_insu_date\":%s,\"cvlserv_flag\":\"0\",\"insuplc_admdvs\":\"440311\","
		"\"emp_name\":\"\"}],\"idetinfo\":[]}}\n",
		fault == FAULT_FAILED ? -1 : 0, (unsigned long long)person->number,
		(unsigned long long)person->number, person->id_no, person->name,
		person->is_male ? 1 : 2, person->nation, person->birth, status_of(person, fault),
		person->is_insured ? "null" : "\"2025-12-31\"");
}

/* The part of an nws reply that is about one person. */
static void write_nws_person(FILE *file, const struct invented_person *person, enum fault fault)
{
	char birth[9];
	int status = status_of(person, fault);
	compact_date(birth, person->birth);
	fprintf(file,
		"<responsedata><basicform><aac001>%015llu</aac001><aac003>%s</aac003><aac002>%s</"
		"aac002>"
		"<aac058>01</aac058><aac147>%s</aac147><aac999>%09llu</aac999><aac004>%d</aac004>"
		"<aac005>%s</aac005><aac006>%s</aac006><aac060>1</aac060><aac084>0</aac084>"
		"<aac009>10</aac009></basicform><aae140ows><row><aae140>110</aae140><aac008>%d</"
		"aac008>"
		"<aac031>%d</aac031><aac049>201307</aac049><aac030>20180701</aac030></row></"
		"aae140ows>"
		"<feeinfogrid><row><aae003>202605</aae003><aae140>110</aae140><aae180>4775.00</"
		"aae180>"
		"<aae020>382.00</aae020><aaa115>10</aaa115></row></feeinfogrid></responsedata>",
		100000000000000ull + person->number, person->name, person->id_no, person->id_no,
		600000000ull + person->number, person->is_male ? 1 : 2, person->nation, birth,
		status, status);
}

static const char xml_head[] = "<?xml version=\"1.0\" encoding=\"utf-8\"?>";
static const char nws_head[] = "<response><head><rc>0</rc><rm>成功</rm></head><body>";
static const char nws_failed[] = "<response><head><rc>2</rc><rm>失败</rm></head><body>";
static const char nws_tail[] = "</body></response>\n";

static void write_nws(
	const struct files *files, const struct invented_person *person, enum fault fault)
{
	FILE *file = files->file[OUT_NWS];
	fprintf(file, "%s%s", xml_head, fault == FAULT_FAILED ? nws_failed : nws_head);
	write_nws_person(file, person, fault);
	fputs(nws_tail, file);
	write_nws_person(files->file[OUT_NWS_ALL], person, fault);
	fputc('\n', files->file[OUT_NWS_ALL]);
}

static void write_packet(FILE *file, const struct invented_person *person, enum fault fault)
{
	int status = status_of(person, fault);
	fprintf(file,
		"<DATA><CGTYPE>1</CGTYPE><CGTIME>20260601093000</CGTIME><SIZE>2</"
		"SIZE><AAC001>%015llu</AAC001>"
		"<AAC002>%s</AAC002><AAC003>%s</AAC003><AAC004>%d</AAC004><AAC005>%s</AAC005>"
		"<AAC006>%s</AAC006><AAC009>10</AAC009><ROWS><ROW><CODE>AAC008</CODE><VALUE>%d</"
		"VALUE></ROW>"
		"<ROW><CODE>AAC031</CODE><VALUE>%d</VALUE></ROW></ROWS></DATA>\n",
		100000000000000ull + person->number, person->id_no, person->name,
		person->is_male ? 1 : 2, person->nation, person->birth, status, status);
}

static void write_packet_head(FILE *file, uint64_t people)
{
	fprintf(file,
		"%s\n<PACKET><VERSION>2016</VERSION><SNDCODE>RS440300</SNDCODE><RCVCODE>ZS440311</"
		"RCVCODE>"
		"<MSGCODE>211003</MSGCODE><SNDMSGID>RS44030020260601093015000001</SNDMSGID>"
		"<USERCODE>sys</USERCODE><USERNAME>系统</USERNAME><SNDTIME>20260601093015</SNDTIME>"
		"<RCVTIME></RCVTIME><DATASIZE>%llu</DATASIZE><DATALIST>\n",
		xml_head, (unsigned long long)people);
}

static void write_tax(FILE *file, const struct invented_business *business,
	const struct invented_person *owner, enum fault fault)
{
	fprintf(file,
		"%s<service xmlns=\"http://www.chinatax.gov.cn/spec/\"><head>"
		"<tran_id>SWZJ.HXZG.DJ.CXNSRXXBYDJXHORNSRSBH</tran_id><channel_id>SZGM.ZWFW.BIDUI</"
		"channel_id>"
		"<tran_seq>%032llx</tran_seq><tran_date>20260601</tran_date><tran_time>093015902</"
		"tran_time>"
		"<rtn_code>%d</rtn_code><rtn_msg><Code>000</Code><Message>成功</"
		"Message><Reason>成功</Reason>"
		"</rtn_msg></head><body><![CDATA[<?xml version=\"1.0\" encoding=\"GBK\"?>"
		"<taxML xmlns=\"http://www.chinatax.gov.cn/dataspec/\"><nsrxxGrid><nsrxxGridlb>"
		"<djxh>101244%014llu</djxh><nsrsbh>%s</nsrsbh><shxydm>%s</shxydm><nsrmc>%s</nsrmc>"
		"<kzztdjlxDm>1120</kzztdjlxDm><djzclxDm>410</djzclxDm><nsrztDm>%s</nsrztDm>"
		"<fddbrxm>%s</fddbrxm><fddbrsfzjlxDm>201</fddbrsfzjlxDm><fddbrsfzjhm>%s</"
		"fddbrsfzjhm>"
		"<djrq>%s</djrq><kyslrq>%s</kyslrq><yxbz>Y</yxbz></nsrxxGridlb></"
		"nsrxxGrid><qsxxGrid>",
		xml_head, (unsigned long long)business->number, fault == FAULT_FAILED ? 2 : 0,
		(unsigned long long)business->number, business->uscc, business->uscc,
		business->name, business->is_cancelled ? "07" : "03", owner->name, owner->id_no,
		business->opened, business->opened);
	if (business->has_arrears) {
		fprintf(file,
			"<qsxxGridlb><yzpzxh>10014426%012llu</yzpzxh><zsxmDm>10101</zsxmDm>"
			"<skssqq>2026-01-01</skssqq><skssqz>2026-03-31</skssqz><jkqx>2026-04-20</"
			"jkqx>"
			"<ybtse>1200.00</ybtse><qsye>%s</qsye><znj>25.20</znj></qsxxGridlb>",
			(unsigned long long)business->number,
			fault == FAULT_AMOUNT ? "many" : "1200.00");
	}
	fputs("</qsxxGrid></taxML>]]></body></service>\n", file);
}

#define SEPARATOR "\001"
/* Every column of departments.md's layout stands between separators. */
static void write_base(FILE *file, const struct invented_business *b,
	const struct invented_person *owner, bool is_short)
{
	fprintf(file,
		"440000" SEPARATOR "%s" SEPARATOR "%s" SEPARATOR "%s" SEPARATOR "%s" SEPARATOR
		"9500" SEPARATOR "%s" SEPARATOR "1" SEPARATOR "2" SEPARATOR "3" SEPARATOR
		"F" SEPARATOR "5229" SEPARATOR "%s" SEPARATOR "440311" SEPARATOR
		"食品销售；日用百货销售。" SEPARATOR "440311" SEPARATOR
		"深圳市光明区光明街道示例路%llu号" SEPARATOR "%s" SEPARATOR "\\N",
		b->pripid, b->uscc, b->regno, b->name, owner->name, b->opened,
		(unsigned long long)(b->number % 900 + 1), b->opened);
	if (!is_short) {
		fprintf(file,
			SEPARATOR "440311" SEPARATOR "%s" SEPARATOR "%s" SEPARATOR
				  "2026-05-20" SEPARATOR "2026-05-31 23:10:05",
			b->is_cancelled ? "4" : "1",
			b->is_cancelled ? "注销" : "存续（在营、开业、在册）");
	}
	fputc('\n', file);
}

static void write_market(const struct files *files, const struct invented_business *b,
	const struct invented_person *owner, bool is_short)
{
	write_base(files->file[OUT_BASE], b, owner, is_short);
	fprintf(files->file[OUT_OPERATOR],
		"440000" SEPARATOR "P440311%012llu" SEPARATOR "%s" SEPARATOR "%s" SEPARATOR
		"%d" SEPARATOR "%s" SEPARATOR "%s" SEPARATOR "10" SEPARATOR "%s" SEPARATOR
		"广东省深圳市光明区" SEPARATOR "2026-05-31 23:10:05\n",
		(unsigned long long)owner->number, b->pripid, owner->name, owner->is_male ? 1 : 2,
		owner->birth, owner->nation, owner->id_no);
	if (b->is_abnormal) {
		fprintf(files->file[OUT_ANOMALY],
			"440000" SEPARATOR "%s" SEPARATOR "BUSEXC%010llu" SEPARATOR "1" SEPARATOR
			"2022-07-08" SEPARATOR "示例监管局" SEPARATOR "\\N" SEPARATOR
			"\\N" SEPARATOR "\\N" SEPARATOR "2026-05-31 23:10:05\n",
			b->pripid, (unsigned long long)b->number);
	}
	if (b->is_cancelled) {
		fprintf(files->file[OUT_CANCEL],
			"440000" SEPARATOR "%s" SEPARATOR "1" SEPARATOR "2026-05-28" SEPARATOR
			"示例监管局" SEPARATOR "2026-05-31 23:10:05\n",
			b->pripid);
	}
}

static void write_person(struct files *files, const struct settings *settings, uint64_t number)
{
	static const enum output told_in[] = { OUT_MEDICAL, OUT_NWS, OUT_PACKET };
	enum fault fault = fault_of_person(settings->seed, number, settings->fault_per_million);
	struct invented_person person;
	invent_person(&person, settings->seed, number);
	fprintf(files->file[OUT_TRUTH], "person\t%llu\t%s\t%s\t%s\tinsured=%d\t%s\n",
		(unsigned long long)number, person.id_no, person.name, person.birth,
		person.is_insured, fault_name(fault));
	fault_spoil_person(&person, fault);
	write_medical(files->file[OUT_MEDICAL], &person, fault);
	write_nws(files, &person, fault);
	write_packet(files->file[OUT_PACKET], &person, fault);
	for (size_t i = 0; i < sizeof(told_in) / sizeof(told_in[0]); i++) {
		state_effect(files, told_in[i], number, fault);
	}
}

static void write_people(struct files *files, const struct settings *settings)
{
	fprintf(files->file[OUT_NWS_ALL], "%s%s\n", xml_head, nws_head);
	write_packet_head(files->file[OUT_PACKET], settings->people);
	for (uint64_t i = 0; i < settings->people; i++) {
		write_person(files, settings, settings->first + i);
	}
	fputs(nws_tail, files->file[OUT_NWS_ALL]);
	fputs("</DATALIST><PAGENO>1</PAGENO><EOPSIGN>1</EOPSIGN><RCVMSGID></RCVMSGID><STATUS>0000</"
	      "STATUS>"
	      "<ERRMSG></ERRMSG><RESERVED></RESERVED></PACKET>\n",
		files->file[OUT_PACKET]);
}

static void write_business(struct files *files, const struct settings *settings, uint64_t number)
{
	enum fault fault = fault_of_business(settings->seed, number, settings->fault_per_million);
	struct invented_business business;
	struct invented_person owner;
	invent_business(&business, settings->seed, number, settings->people);
	invent_person(&owner, settings->seed, business.owner);
	fprintf(files->file[OUT_TRUTH],
		"business\t%llu\t%s\t%s\t%s\tarrears=%d abnormal=%d cancelled=%d\t%s\n",
		(unsigned long long)number, business.uscc, business.name, owner.id_no,
		business.has_arrears, business.is_abnormal, business.is_cancelled,
		fault_name(fault));
	fault_spoil_business(&business, fault);
	write_tax(files->file[OUT_TAX], &business, &owner, fault);
	write_market(files, &business, &owner, fault == FAULT_SHORT_ROW);
	state_effect(files, OUT_TAX, number, fault);
	state_effect(files, OUT_BASE, number, fault);
}

static void write_expected(const struct files *files, const struct settings *settings)
{
	for (size_t i = 0; i < OUT_COUNT; i++) {
		uint64_t lines = i == OUT_TAX ? settings->businesses : settings->people;
		if (outputs[i].feed != NULL) {
			fprintf(files->file[OUT_EXPECTED], "%s\t%s\t%llu\t%llu\t%llu\n",
				outputs[i].name, outputs[i].feed,
				(unsigned long long)(outputs[i].is_line_a_message ? lines : 1),
				(unsigned long long)files->rejected[i],
				(unsigned long long)files->refused[i]);
		}
	}
}

/* Opens all of them; one that cannot be written ends the program, named. */
static bool open_files(struct files *files, const char *folder)
{
	char path[4096];
	for (size_t i = 0; i < OUT_COUNT; i++) {
		int len = snprintf(path, sizeof(path), "%s/%s", folder, outputs[i].name);
		files->file[i] = len > 0 && (size_t)len < sizeof(path) ? fopen(path, "wb") : NULL;
		if (files->file[i] == NULL) {
			fprintf(stderr, "%s: %s\n", path, strerror(errno));
			return false;
		}
	}
	return true;
}

static bool close_files(const struct files *files)
{
	bool is_good = true;
	for (size_t i = 0; i < OUT_COUNT; i++) {
		is_good = fclose(files->file[i]) == 0 && is_good;
	}
	return is_good;
}

static bool read_settings(struct settings *settings, int argc, char **argv)
{
	*settings = (struct settings){ .first = 1, .people = 1000, .businesses = 200, .seed = 1 };
	for (int i = 1; i + 1 < argc; i += 2) {
		const char *value = argv[i + 1];
		if (strcmp(argv[i], "--people") == 0) {
			settings->people = strtoull(value, NULL, 10);
		} else if (strcmp(argv[i], "--businesses") == 0) {
			settings->businesses = strtoull(value, NULL, 10);
		} else if (strcmp(argv[i], "--first") == 0) {
			settings->first = strtoull(value, NULL, 10);
		} else if (strcmp(argv[i], "--seed") == 0) {
			settings->seed = strtoull(value, NULL, 10);
		} else if (strcmp(argv[i], "--fault-rate") == 0) {
			settings->fault_per_million = (uint64_t)(strtod(value, NULL) * 1000000);
		} else if (strcmp(argv[i], "--out") == 0) {
			settings->out = value;
		} else {
			return false;
		}
	}
	/* 999 numbers on each of the days that invent_person knows. */
	return argc % 2 == 1 && settings->out != NULL && settings->people >= 1 &&
	       settings->first >= 1 &&
	       settings->first + settings->people - 1 <= 999ull * 55 * 12 * 28;
}

int main(int argc, char **argv)
{
	struct settings settings;
	struct files files = { .file = { NULL } };
	if (!read_settings(&settings, argc, argv)) {
		fputs("usage: bidui_gen [--first N] [--people N] [--businesses N] [--seed S] "
		      "[--fault-rate 0..1] --out DIR\n",
			stderr);
		return 2;
	}
	if (mkdir(settings.out, 0755) != 0 && errno != EEXIST) {
		fprintf(stderr, "%s: %s\n", settings.out, strerror(errno));
		return 1;
	}
	if (!open_files(&files, settings.out)) {
		return 1;
	}
	write_people(&files, &settings);
	for (uint64_t i = 1; i <= settings.businesses; i++) {
		write_business(&files, &settings, i);
	}
	write_expected(&files, &settings);
	return close_files(&files) ? 0 : 1;
}
