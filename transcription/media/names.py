"""Extensions of recordings."""

AUDIO = (
    "aac ac3 adts aif aifc aiff amr ape au awb bwf caf dts eac3 flac m2a m4a m4b m4r mka mp1 mp2 "
    "mp3 mpa mpc mpga oga ogg opus ra rf64 snd spx tta voc w64 wav weba wma wv"
)
VIDEO = (
    "3g2 3ga 3gp 3gpp asf avi divx f4v flv m2t m2ts m2v m4v mk3d mkv mov mp4 mpeg mpg mts mxf ogv "
    "ogx qt rm rmvb ts vob webm wmv"
)
RARE = frozenset(
    (
        # dictation, telephones, archives of sound
        "8svx aa act avr dss hcom iff ilbc ircam lbc mmf nist nsp pvf qcp sds sf sox sph wve xwma "
        # music
        "aa3 aea bonk dff dsf dtshd f4a f4b iamf laf mlp oma omg osq qoa rka shn tak thd vqf wsd "
        # recorders of television, cameras, old video
        "amv dav dif dv dvr-ms evo gxf ivr lxf mod mqv nsv nut nuv pva swf tod tp trp ty vro wtv "
        # games
        "4xm adx ast bcstm bfstm bik brstm fsb hca mods moflex roq smk thp usm vag viv vmd vqa xmv"
    ).split()
)
"""Extensions of formats whose first bytes are not all listed here: the probe checks those."""
SUFFIXES = tuple(sorted({*AUDIO.split(), *VIDEO.split(), *RARE}))
USUAL = tuple("mp3 wav m4a aac flac ogg opus wma amr mp4 mov mkv webm avi wmv".split())
"""The extensions shown to users; the whole list would hide these."""
