#include "data/decode/containers.h"

namespace slimreel {

const char kContainers[] =
    // What cameras, editors, broadcasters and the web use.
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpegtsraw,mpeg,flv,live_flv,kux,asf,asf_o,"
    "ogg,mxf,gxf,lxf,nut,nuv,rm,ivr,dv,wtv,pva,ty,nsv,vividas,vivo,xmv,mtv,moflex,mlv,r3d,ser,"
    "dhav,lmlm4,iv8,ifv,msf,mgsts,mpjpeg,smjpeg,yuv4mpegpipe,filmstrip,cine,"
    // Streams without a container.
    "mpegvideo,m4v,h261,h263,h264,hevc,vvc,av1,obu,ivf,avs,avs2,avs3,cavsvideo,vc1,vc1test,dirac,"
    "dnxhd,mjpeg,mjpeg_2000,ipu,"
    // Pictures, some of them animated.
    "gif,apng,webp_pipe,gif_pipe,png_pipe,jpeg_pipe,jpegls_pipe,jpegxl_pipe,j2k_pipe,bmp_pipe,"
    "tiff_pipe,ppm_pipe,pgm_pipe,pam_pipe,dpx_pipe,exr_pipe,"
    // Games and old computers.
    "4xm,anm,argo_asf,argo_brp,argo_cvg,bethsoftvid,bfi,bink,c93,cdxl,dfa,dsicin,dxa,ea,film_cpk,"
    "flic,hnm,idcin,ipmovie,jv,mm,mv,mvi,paf,pmp,psxstr,rl2,roq,rpl,sga,siff,smk,smush,swf,thp,"
    "tiertexseq,tmv,txd,vmd,wc3movie,xwma,yop,"
    // Sound.
    "aac,ac3,eac3,aiff,amr,amrnb,amrwb,ape,aptx,au,caf,dts,dtshd,flac,g722,gsm,mlp,mp3,mpc,mpc8,"
    "oma,qcp,shn,spdif,tak,truehd,tta,voc,w64,wav,wv";

}  // namespace slimreel
