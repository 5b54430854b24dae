"""The departments' own interfaces over the records.

    POST /tax/gt3                    <service> with <taxML> in CDATA: nsrsbh, or djxh
    POST /social/nws                 SOAP 1.1 nwsReceive(systemCode, tradeCode, xml); the trades are below
    GET  /social/packet              changes: since=yyyyMMddHHmmss; page=N&size=N, or cursor=TEXT&size=N
    POST /medical/1101               the national envelope; /medical/signed: SM2 both ways; /medical/sealed: SM4 and SM2
    POST /tif/medical/...            the same behind a gateway that wants the x-tif- headers
    POST /platform/medical           behind a platform that wants the gjzwfwpt_ headers: {"certno": ...}
    POST /platform/tax/verify        the tax authority judges: {"shxydm": ..., "sbzy": DIGEST, "sbx": {COLUMN: CLAIM}}
    GET  /market/tables/TABLE        rows: since=yyyy-MM-dd HH:mm:ss; page=N&size=N until there are none, or cursor=TEXT
    GET  /market/files               the day's files with rows, bytes and SHA-256: what a delivery is checked against
    GET  /market/files/NAME          one: ETag, Last-Modified, 304, Range

Who is not known is told in each department's own words. A number of a message may be used once."""
import base64
import collections
import datetime
import html
import json
import re
import time
import urllib.parse
import xml.etree.ElementTree as xml

import records
import seals
from records import tags
from wire import Response

TAX_SPEC, TAX_DATA = "http://www.chinatax.gov.cn/spec/", "http://www.chinatax.gov.cn/dataspec/"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
TRADES = {"211001": "person", "211002": "fee", "211003": "unit"}
CHANGED = "Mon, 01 Jun 2026 01:30:15 GMT"
DECLARED = '<?xml version="1.0" encoding="UTF-8"?>'


def now(form="%Y-%m-%d %H:%M:%S"):
    return datetime.datetime.now(records.SHANGHAI).strftime(form)


def as_json(value, **options):
    return Response(json.dumps(value, ensure_ascii=False, **options), "application/json; charset=utf-8")


def as_xml(text, status=200):
    return Response(text, "text/xml; charset=utf-8", status)


def raw_member(text, name):
    """A member's value as it was sent: signatures are over that."""
    at = re.search(f'"{name}"\\s*:\\s*', text).end()
    return text[at : json.JSONDecoder().raw_decode(text, at)[1]]


class Departments:
    def __init__(self, known, sealing, secrets):
        """secrets: platform (HMAC), tif (token)."""
        self.records, self.seals, self.secrets = known, sealing, secrets
        self.used = collections.OrderedDict()
        self.fixed = {"/tax/gt3": self.tax, "/social/nws": self.social, "/social/packet": self.packet,
                      "/medical/1101": self.medical, "/medical/signed": self.medical_signed,
                      "/medical/sealed": self.medical_sealed, "/platform/medical": self.platform_medical,
                      "/platform/tax/verify": self.verify, "/market/files": self.files}

    def answer(self, request):
        path = request.path
        if path.startswith("/tif/"):
            refused = self.wrong_tif(request)
            if refused:
                return refused
            path = path[4:]
        if path.startswith("/platform/"):
            refused = self.wrong_platform(request)
            if refused:
                return refused
        if path.startswith("/market/tables/"):
            return self.table(request, path.rsplit("/", 1)[1])
        if path.startswith("/market/files/"):
            return self.file(request, path.rsplit("/", 1)[1])
        if path not in self.fixed:
            return Response("没有此接口 no such interface\n", status=404)
        wants = "GET" if path in ("/social/packet", "/market/files") else "POST"
        if request.method not in (wants, "HEAD" if wants == "GET" else wants):
            return Response(f"{wants}\n", status=405, headers=[("Allow", wants)])
        return self.fixed[path](request)

    def is_new(self, *what):
        if what in self.used:
            return False
        self.used[what] = True
        if len(self.used) > 200000:
            self.used.popitem(last=False)
        return True

    # -- tax --

    def tax(self, request):
        try:
            root = xml.fromstring(request.body)
            inner = xml.fromstring(root.findtext(f"{{{TAX_SPEC}}}body").strip().encode().decode())
            head = {child.tag.split("}")[1]: child.text or "" for child in root.find(f"{{{TAX_SPEC}}}head")}
            asked = {child.tag.split("}")[1]: (child.text or "").strip() for child in inner}
        except (xml.ParseError, AttributeError, IndexError, TypeError):
            return self.tax_reply({}, "9001", "报文解析失败", "")
        if root.tag != f"{{{TAX_SPEC}}}service" or inner.tag != f"{{{TAX_DATA}}}taxML":
            return self.tax_reply(head, "9001", "命名空间不符", "")
        if head.get("tran_id") != "SWZJ.HXZG.DJ.CXNSRXXBYDJXHORNSRSBH" or not head.get("channel_id"):
            return self.tax_reply(head, "9002", "服务未注册", "")
        if not re.fullmatch("[0-9a-fA-F]{32}", head.get("tran_seq", "")) or not re.fullmatch(
            "[0-9]{8}", head.get("tran_date", "")) or not re.fullmatch("[0-9]{9}", head.get("tran_time", "")):
            return self.tax_reply(head, "9003", "报文头不合规", "")
        if not self.is_new("tax", head["tran_seq"]):
            return self.tax_reply(head, "9004", "交易流水号重复", "")
        if not asked.get("nsrsbh") and not asked.get("djxh"):
            return self.tax_reply(head, "9005", "入参为空", "")
        body = self.records.taxpayer(asked.get("nsrsbh"), asked.get("djxh"))
        if "stranger" in request.spoil:
            body = next(text for text in self.records.tax.values() if text != body)
        if "wrong-code" in request.spoil:
            return self.tax_reply(head, "999", "业务处理失败", body or "")
        # Nobody of that number: the grid is there and empty.
        return self.tax_reply(head, "000", "调用接口成功", body or "<nsrxxGrid></nsrxxGrid>")

    def tax_reply(self, head, code, message, body):
        """Success is stated twice; the inner declaration misstates the encoding, as it does in the field."""
        tell = lambda name: f"<{name}>{html.escape(head.get(name, ''))}</{name}>"
        return as_xml(
            f'{DECLARED}<service xmlns="{TAX_SPEC}"><head>{tell("tran_id")}{tell("channel_id")}{tell("tran_seq")}'
            f'<tran_date>{now("%Y%m%d")}</tran_date><tran_time>{now("%I%M%S000")}</tran_time><rtn_code>0</rtn_code>'
            f"<rtn_msg><Code>{code}</Code><Message>{message}</Message><Reason>{message}</Reason></rtn_msg></head>"
            f'<body><![CDATA[<?xml version="1.0" encoding="GBK"?><taxML xmlns="{TAX_DATA}">{body}</taxML>]]></body></service>')

    def verify(self, request):
        try:
            asked = json.loads(request.body)
            claims = {str(name): str(value) for name, value in asked["sbx"].items()}
            number, digest = str(asked.get("shxydm") or asked["nsrsbh"]), str(asked["sbzy"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return self.platform_reply("400", "参数不正确", None)
        body = self.records.taxpayer(number)
        if "wrong-code" in request.spoil:
            return self.platform_reply("500", "核验失败", None)
        if body is None:
            return self.platform_reply("404", "查无此纳税人", None)
        held = {name: tags(body, name) for name in claims}
        is_same = bool(claims) and all(claims[name] in held[name] for name in claims)
        until = datetime.datetime.now(records.SHANGHAI) + datetime.timedelta(days=1)
        shown = number if "stranger" not in request.spoil else "92440311MAXXXXX58F"
        return self.platform_reply("200", "成功", {"hyjg": {
            "shxydm": shown, "nsrsbh": shown, "sbzy": digest, "jl": "一致" if is_same else "不一致", "hysj": now(),
            "yxqz": until.strftime("%Y-%m-%d %H:%M:%S")}})

    # -- social insurance --

    def social(self, request):
        try:
            call = xml.fromstring(request.body).find(f"{{{SOAP}}}Body")[0]
            given = {child.tag.split("}")[-1]: child.text or "" for child in call}
            root = xml.fromstring(given["xml"].strip())
            asked = {element.tag.lower(): (element.text or "").strip() for element in root.iter()}
        except (xml.ParseError, KeyError, TypeError, IndexError):
            return self.soap_fault("报文解析失败")
        if "soapaction" not in request.headers or not request.header("content-type").startswith("text/xml"):
            return self.soap_fault("SOAP 1.1: SOAPAction, text/xml")
        if call.tag.split("}")[-1] != "nwsReceive" or not given.get("systemCode"):
            return self.soap_fault("没有此方法")
        trade = TRADES.get(given.get("tradeCode"))
        if trade is None:
            return self.soap_reply("1", "交易未注册", "")
        number = next((asked[name] for name in ("aac147", "aac002", "aac001", "bab010") if asked.get(name)), "")
        data = self.records.social.get((trade, number))
        if "stranger" in request.spoil:
            data = next(text for (of, _), text in self.records.social.items() if of == trade and text != data)
        if "wrong-code" in request.spoil:
            return self.soap_reply("2", "服务器异常", data or "")
        if data is None:
            return self.soap_reply("1", "未查询到符合条件的记录", "")
        return self.soap_reply("0", "成功", data)

    def soap_reply(self, rc, rm, data):
        inner = f"{DECLARED}<response><head><rc>{rc}</rc><rm>{rm}</rm></head><body>{data}</body></response>"
        return as_xml(
            f'{DECLARED}<soapenv:Envelope xmlns:soapenv="{SOAP}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            'xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soapenv:Body><ns1:nwsReceiveResponse xmlns:ns1="http://ws.nws">'
            f'<nwsReceiveReturn xsi:type="xsd:string">{html.escape(inner, quote=False)}</nwsReceiveReturn>'
            "</ns1:nwsReceiveResponse></soapenv:Body></soapenv:Envelope>")

    def soap_fault(self, text):
        return as_xml(
            f'{DECLARED}<soapenv:Envelope xmlns:soapenv="{SOAP}"><soapenv:Body><soapenv:Fault><faultcode>soapenv:Client'
            f"</faultcode><faultstring>{text}</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>", 500)

    def packet(self, request):
        since = request.query.get("since")
        try:
            after = datetime.datetime.strptime(since, "%Y%m%d%H%M%S").replace(tzinfo=records.SHANGHAI) if since else None
            rows, page, following = self.paged(request, self.records.shown(self.records.changes, after))
        except ValueError:
            return Response("since, page, size, cursor\n", status=400)
        told = "".join(re.sub("<CGTIME>.*?</CGTIME>", f"<CGTIME>{at:%Y%m%d%H%M%S}</CGTIME>", data) for at, data in rows)
        status = "9999" if "wrong-code" in request.spoil else "0000"
        return as_xml(
            f"{DECLARED}<PACKET><VERSION>2016</VERSION><SNDCODE>RS440300</SNDCODE><RCVCODE>ZS440311</RCVCODE>"
            f"<MSGCODE>211003</MSGCODE><SNDMSGID>RS440300{time.time_ns():020d}</SNDMSGID><USERCODE>sys</USERCODE>"
            f'<USERNAME>系统</USERNAME><SNDTIME>{now("%Y%m%d%H%M%S")}</SNDTIME><RCVTIME></RCVTIME><DATASIZE>{len(rows)}'
            f"</DATASIZE><DATALIST>{told}</DATALIST><PAGENO>{page}</PAGENO><EOPSIGN>{int(not following)}</EOPSIGN>"
            f"<RCVMSGID></RCVMSGID><STATUS>{status}</STATUS><ERRMSG></ERRMSG><RESERVED>{following}</RESERVED></PACKET>")

    def paged(self, request, rows):
        """(the rows of this page, its number from 1, the cursor of the next or "")"""
        size = int(request.query.get("size", "100"))
        page = int(request.query.get("page", "1"))
        at = (page - 1) * size
        if request.query.get("cursor"):
            at = int(base64.urlsafe_b64decode(request.query["cursor"]).decode("ascii"))
        if size < 1 or size > 10000 or at < 0:
            raise ValueError
        end = at + size
        return rows[at:end], at // size + 1, base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(rows) else ""

    # -- medical insurance --

    def person(self, request, number):
        output = self.records.medical.get(number)
        if "stranger" in request.spoil:
            output = next(other for key, other in self.records.medical.items() if key != number)
        return output

    def wrong_1101(self, asked):
        """What is wrong with a request of the national envelope, or None."""
        if not isinstance(asked, dict) or asked.get("infno") != "1101" or asked.get("infver") != "V1.0":
            return "交易编号或接口版本不正确"
        id_ = str(asked.get("msgid"))
        if not re.fullmatch("[0-9A-Za-z]{12}[0-9]{18}", id_) or not id_.startswith(str(asked.get("fixmedins_code"))):
            return "发送方报文ID不合规"
        if not self.is_new("1101", id_):
            return "发送方报文ID重复"
        if not isinstance(asked.get("input"), dict) or not asked["input"].get("data", {}).get("certno"):
            return "入参为空"
        return None

    def reply_1101(self, output, wrong, sign="", signtype=""):
        """output: text as it will stand."""
        stamp = now("%Y%m%d%H%M%S000")
        return Response(
            f'{{"infcode":{-1 if wrong else 0},"inf_refmsgid":"440300{stamp[:14]}{time.time_ns() % 10**10:010d}",'
            f'"refmsg_time":"{stamp}","respond_time":"{stamp}","enctype":"","signtype":"{signtype}","cainfo":"{sign}",'
            f'"err_msg":"{wrong or ""}","output":{output}}}', "application/json; charset=utf-8")

    def asked_1101(self, request):
        """(what is wrong or None, the output as text)"""
        try:
            asked = json.loads(request.body)
        except ValueError:
            return "报文解析失败", "null"
        wrong = self.wrong_1101(asked)
        if wrong:
            return wrong, "null"
        output = self.person(request, asked["input"]["data"]["certno"])
        text = json.dumps(output, ensure_ascii=False, separators=(",", ":"))
        if "wrong-code" in request.spoil:
            return "系统异常", text
        return (None if output else "未查询到人员基本信息"), text

    def medical(self, request):
        wrong, output = self.asked_1101(request)
        return self.reply_1101(output, wrong)

    async def medical_signed(self, request):
        """cainfo is over what stands in input, and over what stands in output."""
        try:
            text = request.body.decode("utf-8")
            given, signed = json.loads(text), raw_member(text, "input").encode()
        except (ValueError, AttributeError):
            return self.reply_1101("null", "报文解析失败")
        if given.get("signtype") != "SM2" or not await self.seals.is_signed(signed, str(given.get("cainfo"))):
            return self.reply_1101("null", "验签失败")
        wrong, output = self.asked_1101(request)
        return self.reply_1101(output, wrong, await self.seals.sign(output.encode()), "SM2")

    async def medical_sealed(self, request):
        """encData: SM4 in hexadecimal; signData: SM2 over the other members, sorted and joined by `&`."""
        try:
            given = json.loads(request.body)
            joined = "&".join(f"{name}={given[name]}" for name in sorted(given) if name != "signData").encode()
            data = bytes.fromhex(given["encData"])
        except (ValueError, KeyError, TypeError):
            return as_json({"code": "400", "message": "报文解析失败"})
        if given.get("encType") != "SM4" or not await self.seals.is_signed(joined, str(given.get("signData"))):
            return as_json({"code": "401", "message": "验签失败"})
        request.body = await self.seals.opened(data)
        wrong, output = self.asked_1101(request) if request.body else ("解密失败", "")
        if wrong:
            return as_json({"code": "500", "message": wrong})
        reply = {"appId": str(given.get("appId")), "version": "1.0.0", "encType": "SM4", "signType": "SM2",
                 "timestamp": now("%Y%m%d%H%M%S000"), "encData": (await self.seals.seal(output.encode())).hex()}
        reply["signData"] = await self.seals.sign("&".join(f"{n}={reply[n]}" for n in sorted(reply)).encode())
        return as_json(reply)

    # -- what stands before a department --

    def wrong_platform(self, request):
        rid, sid, rtime = (request.header(f"gjzwfwpt_{name}") for name in ("rid", "sid", "rtime"))
        if not rid or not sid or not seals.is_recent(rtime):
            return self.platform_reply("401", "请求头缺失或已过时", None)
        if request.header("gjzwfwpt_sign") != seals.platform_sign(self.secrets["platform"], sid, rid, rtime):
            return self.platform_reply("401", "签名错误", None)
        return None

    def wrong_tif(self, request):
        paasid, stamp, nonce, sign = (request.header(f"x-tif-{name}") for name in ("paasid", "timestamp", "nonce", "signature"))
        right = seals.tif_sign(self.secrets["tif"], stamp, nonce)
        if not paasid or not seals.is_recent(stamp) or sign.lower() != right or not self.is_new("tif", nonce):
            return Response("未授权 unauthorized\n", status=401)
        return None

    def platform_reply(self, code, message, data):
        return as_json({"code": code, "message": message, "time": now(), "data": data})

    def platform_medical(self, request):
        try:
            asked = json.loads(request.body)
            number = asked.get("data", asked)["certno"]
        except (ValueError, KeyError, TypeError, AttributeError):
            return self.platform_reply("400", "参数不正确", None)
        output = self.person(request, number)
        if "wrong-code" in request.spoil:
            return self.platform_reply("500", "服务异常", output)
        return self.platform_reply("200", "成功", output) if output else self.platform_reply("404", "未查询到", None)

    # -- market supervision --

    def rows_of(self, request, table):
        since = request.query.get("since")
        after = datetime.datetime.strptime(since, "%Y-%m-%d %H:%M:%S").replace(tzinfo=records.SHANGHAI) if since else None
        return self.records.shown(self.records.tables[table], after)

    def table(self, request, table):
        if table not in self.records.tables:
            return Response("没有此表 no such table\n", status=404)
        try:
            every = self.rows_of(request, table)
            rows, _, following = self.paged(request, every)
        except ValueError:
            return Response("since, page, size, cursor\n", status=400)
        response = Response(self.text_of(request, table, rows), status=200)
        response.headers.append(("X-Total-Count", str(len(every))))
        if following:
            query = urllib.parse.urlencode({**request.query, "cursor": following})
            response.headers += [("X-Next-Cursor", following), ("Link", f'<{request.path}?{query}>; rel="next"')]
        return response

    def text_of(self, request, table, rows):
        text = self.records.table_text(table, rows)
        return text.encode("gb18030" if request.query.get("charset") == "gb18030" else "utf-8")

    def name_of(self, table):
        return f"{records.BEGUN:%Y%m%d}_{table}.txt"

    def files(self, request):
        listed = []
        for table, rows in sorted(self.records.tables.items()):
            body = self.text_of(request, table, self.records.shown(rows, None))
            listed.append({"name": self.name_of(table), "table": table, "rows": len(self.records.shown(rows, None)),
                           "bytes": len(body), "etag": records.etag(body)})
        return as_json({"date": f"{records.BEGUN:%Y-%m-%d}", "files": listed})

    def file(self, request, name):
        table = next((table for table in self.records.tables if self.name_of(table) == name), None)
        if table is None:
            return Response("没有此文件 no such file\n", status=404)
        body = self.text_of(request, table, self.records.shown(self.records.tables[table], None))
        headers = [("ETag", records.etag(body)), ("Last-Modified", CHANGED), ("Accept-Ranges", "bytes")]
        same = request.header("if-none-match")
        if same == records.etag(body) or (not same and request.header("if-modified-since") == CHANGED):
            return Response(status=304, headers=headers)
        part = re.fullmatch("bytes=([0-9]+)-", request.header("range"))
        if part is None:
            return Response(body, "application/octet-stream", headers=headers)
        first = int(part[1])
        if first >= len(body):
            return Response(status=416, headers=[("Content-Range", f"bytes */{len(body)}")])
        headers.append(("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}"))
        return Response(body[first:], "application/octet-stream", 206, headers)
